"use client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRouter } from "next/navigation";
import { type CSSProperties, type MouseEvent, type ReactNode, useCallback, useRef } from "react";
import { cx } from "./cx.ts";
import { useTableKeys } from "./table-keys.ts";

export type Column<Row> = {
  id: string;
  header: ReactNode;
  /** CSS width; without one the column takes a share of what is left */
  width?: string;
  align?: "right";
  /** left out on narrow screens */
  wideOnly?: boolean;
  cell: (row: Row) => ReactNode;
};

const rowHeight = 36;
const virtualAbove = 200;

/**
 * A table with fixed columns and rows of 36 px (taller where a cell has two lines); above 200 rows only those in sight exist. Click, or j / k and Enter, open a row.
 * @param href where a row leads; the first cell should hold the same as a link, for keyboard and new tabs
 * @param onOpen instead of `href`, what opening a row does here
 * @param tall rows grow with their content (never virtual)
 * @param keys false for a second table of the page, so that j and k stay with the first
 */
export function Table<Row>({
  label,
  columns,
  rows,
  rowKey,
  href,
  onOpen,
  selected,
  tall,
  keys = true,
  footer,
  minWidth,
}: {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  href?: (row: Row) => string;
  onOpen?: (row: Row) => void;
  selected?: string | null;
  tall?: boolean;
  keys?: boolean;
  /** below the last row: “Show more” */
  footer?: ReactNode;
  /** narrower than this, the table scrolls sideways; with columns that a phone leaves out, only on wide screens */
  minWidth?: string;
}) {
  const router = useRouter();
  const box = useRef<HTMLElement>(null);
  const virtual = !tall && rows.length > virtualAbove;
  const virtualizer = useVirtualizer({
    count: virtual ? rows.length : 0,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const openRow = useCallback(
    (row: Row, index: number) => {
      if (onOpen) return onOpen(row);
      // By the row's own link, so that whoever watches over links watches over this too.
      const link = box.current?.querySelector<HTMLAnchorElement>(`[data-row="${index}"] a[href="${href?.(row)}"]`);
      if (link) link.click();
      else if (href) router.push(href(row));
    },
    [href, onOpen, router],
  );
  const opens = Boolean(onOpen || href);
  const active = useTableKeys({
    length: rows.length,
    onOpen: opens ? (index) => rows[index] && openRow(rows[index], index) : undefined,
    box,
    enabled: keys,
    reveal: (index) => {
      if (virtual) virtualizer.scrollToIndex(index);
      else box.current?.querySelector(`[data-row="${index}"]`)?.scrollIntoView({ block: "nearest" });
    },
  });
  const click = (event: MouseEvent, row: Row, index: number) => {
    // What opens from a row (a menu, a dialog) stands elsewhere on the page, but React lets its clicks come by here.
    if (!event.currentTarget.contains(event.target as Node)) return;
    // Links, buttons and boxes inside a row keep their own meaning, and so does selecting text.
    if ((event.target as HTMLElement).closest("a, button, input, [role=checkbox], label")) return;
    if (window.getSelection()?.toString()) return;
    if ((event.metaKey || event.ctrlKey) && href) window.open(href(row));
    else openRow(row, index);
  };
  const items = virtual ? virtualizer.getVirtualItems() : rows.map((_, index) => ({ index, start: 0, end: 0 }));
  const above = virtual ? (items[0]?.start ?? 0) : 0;
  const below = virtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;

  return (
    <section
      ref={box}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls and takes j and k must be reachable by keyboard
      tabIndex={0}
      className={cx(
        "thin-scroll relative overflow-x-auto rounded-card border border-line bg-surface",
        virtual && "max-h-[calc(100dvh-220px)] overflow-y-auto",
      )}
    >
      <table
        className={cx(
          "w-full table-fixed border-separate border-spacing-0 text-left",
          minWidth && (columns.some(({ wideOnly }) => wideOnly) ? "md:min-w-(--least)" : "min-w-(--least)"),
        )}
        style={minWidth ? ({ "--least": minWidth } as CSSProperties) : undefined}
        aria-rowcount={virtual ? rows.length + 1 : undefined}
      >
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                style={column.width ? { width: column.width } : undefined}
                className={cx(
                  "sticky top-0 z-10 h-8 truncate border-b border-line bg-surface px-3 text-caption font-medium text-muted",
                  column.align === "right" && "text-right",
                  column.wideOnly && "max-md:hidden",
                )}
              >
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr aria-hidden style={{ height: above }} />}
          {items.map(({ index }) => {
            const row = rows[index]!;
            const key = rowKey(row);
            return (
              <tr
                key={key}
                ref={virtual ? virtualizer.measureElement : undefined}
                data-index={index}
                data-row={index}
                aria-rowindex={virtual ? index + 2 : undefined}
                onClick={opens ? (event) => click(event, row, index) : undefined}
                className={cx(
                  "group",
                  opens && "cursor-pointer hover:bg-hover",
                  (selected === key || active === index) && "bg-hover",
                  selected === key && "bg-accent-soft",
                )}
              >
                {columns.map((column, place) => (
                  <td
                    key={column.id}
                    className={cx(
                      "border-b border-line px-3 group-last:border-b-0 max-md:py-1.5",
                      tall ? "py-2 align-top break-words" : "h-9 truncate",
                      column.align === "right" && "text-right",
                      column.wideOnly && "max-md:hidden",
                      place === 0 && active === index && "shadow-[inset_2px_0_0_var(--color-focus)]",
                    )}
                  >
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 && <tr aria-hidden style={{ height: below }} />}
        </tbody>
      </table>
      {footer && <div className="flex justify-center border-t border-line p-2">{footer}</div>}
    </section>
  );
}
