"use client";
import { Dialog } from "../ui/dialog.tsx";
import { Kbd } from "../ui/kbd.tsx";

const keys: [string[], string][] = [
  [["⌘K", "Ctrl K"], "Search, go anywhere, start something"],
  [["j", "k"], "Next and previous row of a table"],
  [["Enter"], "Open the row"],
  [["/"], "Search"],
  [["?"], "This list"],
  [["Esc"], "Close what is open"],
];

/** The keys that work everywhere, and the words of the product. */
export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Keys and words" width="narrow">
      <dl className="divide-y divide-line">
        {keys.map(([pressed, does]) => (
          <div key={does} className="flex items-center justify-between gap-4 py-1.5">
            <dt className="text-work text-ink">{does}</dt>
            <dd className="flex gap-1">
              {pressed.map((key) => (
                <Kbd key={key} keys={key} />
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <div className="mt-4 space-y-1.5 text-work text-muted">
        <p>
          <b className="font-medium text-ink">Try it</b> reads real data and shows what would change. It writes nothing.
        </p>
        <p>
          <b className="font-medium text-ink">Failed records</b> wait until you correct, replay or dismiss them. None is
          dropped.
        </p>
        <p>
          <b className="font-medium text-ink">Undo</b> puts back what a run changed, except what somebody changed since.
        </p>
      </div>
    </Dialog>
  );
}
