"""The application: everything that knows both LiveKit and the product."""
