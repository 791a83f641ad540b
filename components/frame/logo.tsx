/** A plumb line: a weight on a string, hanging true. */
export function Logo({ className = "size-6" }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className={className}>
      <rect width="24" height="24" rx="6" className="fill-accent" />
      <path d="M6.5 5.5h11M12 5.5v7" className="stroke-on-accent" strokeWidth="1.8" strokeLinecap="round" fill="none" />
      <path d="M8.6 12.2h6.8L12 19.2z" className="fill-on-accent" />
    </svg>
  );
}
