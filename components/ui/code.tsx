"use client";
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { IconButton } from "./button.tsx";
import { intoClipboard } from "./clipboard.ts";
import { cx } from "./cx.ts";

/** Copies a text and says so for a moment. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await intoClipboard(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return <IconButton label={copied ? "Copied" : label} icon={copied ? Check : Copy} onClick={copy} />;
}

/** Text to be read or copied as it is. */
export function CodeBlock({
  text,
  label,
  wrap,
  className,
}: {
  text: string;
  label?: string;
  wrap?: boolean;
  className?: string;
}) {
  return (
    <div className={cx("relative rounded-control border border-line bg-sunken", className)}>
      <div className="absolute top-1 right-1 z-10">
        <CopyButton text={text} label={label ? `Copy ${label}` : "Copy"} />
      </div>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className={cx(
          "thin-scroll max-h-96 overflow-auto p-3 pr-10 font-mono text-caption text-ink",
          wrap && "break-all whitespace-pre-wrap",
        )}
      >
        {text}
      </pre>
    </div>
  );
}

/** One JSON value in a line: text in quotes only where blanks at its ends would be lost, empty values named. */
export function JsonValue({ value, className }: { value: unknown; className?: string }) {
  if (value === null || value === undefined) return <span className={cx("text-faint italic", className)}>empty</span>;
  if (value === "") return <span className={cx("text-faint italic", className)}>empty text</span>;
  if (typeof value === "string") {
    const blanks = value !== value.trim();
    return (
      <span className={cx("font-mono text-caption break-words whitespace-pre-wrap", className)}>
        {blanks ? `“${value}”` : value}
      </span>
    );
  }
  return (
    <span className={cx("font-mono text-caption break-words", className)}>
      {typeof value === "object" ? JSON.stringify(value) : String(value)}
    </span>
  );
}

/**
 * A record as field and value, one a line.
 * @param dense two fields beside each other where there is room, for lists of records
 * @param marked a field to point out, with a note such as the reason it was refused
 */
export function RecordView({
  record,
  dense,
  marked,
  note,
}: {
  record: { [field: string]: unknown };
  dense?: boolean;
  marked?: string;
  note?: ReactNode;
}) {
  return (
    <dl
      className={cx(
        "rounded-control border border-line bg-surface",
        dense ? "gap-x-4 py-1 lg:columns-2 *:break-inside-avoid" : "divide-y divide-line",
      )}
    >
      {Object.entries(record).map(([field, value]) => (
        <div
          key={field}
          className={cx(
            "grid grid-cols-[minmax(7rem,34%)_1fr] gap-3 px-3",
            dense ? "py-0.5" : "py-1.5",
            field === marked && "bg-bad-soft",
          )}
        >
          <dt
            className={cx(
              "truncate font-mono text-caption leading-5",
              field === marked ? "text-bad-text" : "text-muted",
            )}
            title={field}
          >
            {field}
          </dt>
          <dd className="min-w-0">
            <JsonValue value={value} />
            {field === marked && note && <p className="text-caption text-bad-text">{note}</p>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
