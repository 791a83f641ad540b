/** Keys as they are pressed: `⌘K`, `j`, `Enter`. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <kbd className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-mark border border-line bg-sunken px-1 font-sans text-[11px] leading-none text-muted">
      {keys}
    </kbd>
  );
}
