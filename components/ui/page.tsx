import { ChevronRight } from "lucide-react";
import Link from "next/link";
import { Fragment, type ReactNode } from "react";
import { cx } from "./cx.ts";

/** The way back up, on pages below the second level. */
export function Breadcrumbs({ items }: { items: { label: string; href?: string }[] }) {
  return (
    <nav aria-label="Breadcrumbs" className="mb-1 flex min-w-0 items-center gap-1 text-caption text-muted">
      {items.map((item, index) => (
        <Fragment key={item.label}>
          {index > 0 && <ChevronRight aria-hidden className="size-3 shrink-0 text-faint" />}
          {item.href ? (
            <Link href={item.href} className="truncate rounded-mark hover:text-ink hover:underline">
              {item.label}
            </Link>
          ) : (
            <span className="truncate">{item.label}</span>
          )}
        </Fragment>
      ))}
    </nav>
  );
}

/** Title, one sentence of state, and at most one primary button. */
export function PageHeader({
  title,
  sentence,
  actions,
  crumbs,
}: {
  title: ReactNode;
  sentence?: ReactNode;
  actions?: ReactNode;
  crumbs?: { label: string; href?: string }[];
}) {
  return (
    <header className="mb-4 flex flex-wrap items-start gap-x-4 gap-y-3">
      <div className="min-w-0 flex-1 basis-64">
        {crumbs && <Breadcrumbs items={crumbs} />}
        <h1 className="text-title font-semibold tracking-tight text-balance break-words text-ink">{title}</h1>
        {sentence && <div className="mt-0.5 text-body text-muted">{sentence}</div>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

/** The content of a page, with the margins of the frame: the same on all, so that nothing moves from one to the next. */
export function Page({ children }: { children: ReactNode }) {
  return <div className="mx-auto w-full max-w-[1440px] px-4 pt-5 pb-10 sm:px-6">{children}</div>;
}

/** A part of a page with its heading. */
export function Section({
  title,
  aside,
  children,
  className,
}: {
  title?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={cx("min-w-0", className)}>
      {(title || aside) && (
        <div className="mb-2 flex min-h-7 flex-wrap items-center gap-2">
          {title && <h2 className="text-body font-semibold text-ink">{title}</h2>}
          {aside && <div className="ml-auto flex items-center gap-2 text-work text-muted">{aside}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

/** A surface one step above the ground. */
export function Card({ children, className }: { children: ReactNode; className?: string }) {
  return <div className={cx("rounded-card border border-line bg-surface", className)}>{children}</div>;
}
