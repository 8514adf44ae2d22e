/** Four signal bars; `level` of them are solid. */
export function Bars({ level }: { level: number }) {
  return (
    <span className="bars" aria-hidden="true">
      {[1, 2, 3, 4].map((bar) => (
        <i key={bar} className={bar > level ? "no" : undefined} />
      ))}
    </span>
  );
}

/** Sound bars that sway while somebody speaks; still under reduced motion. */
export function Voice() {
  return (
    <span className="eq" aria-hidden="true">
      <i /><i /><i /><i />
    </span>
  );
}
