"""Speech understood just well enough for a mouth: cepstra, a small net, an aligner."""
