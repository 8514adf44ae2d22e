/** The mark: two heads leaning out of one point, the gap is the V. */
export function Mark({ className = "" }: { className?: string }) {
  return (
    <svg className={`mark ${className}`} viewBox="0 0 48 48" aria-hidden="true">
      <path
        className="a"
        fillRule="evenodd"
        d="M23.1 43.4C12.2 35.8 3.2 26 3.2 15.4 3.2 9.2 7.4 4.8 12.4 4.8 17.4 4.8 20.4 8.7 20.9 14.2Zm-9.4-31.3a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z"
      />
      <path
        className="b"
        fillRule="evenodd"
        d="M24.9 43.4C35.8 35.8 44.8 26 44.8 15.4 44.8 9.2 40.6 4.8 35.6 4.8 30.6 4.8 27.6 8.7 27.1 14.2Zm9.4-31.3a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z"
      />
    </svg>
  );
}
