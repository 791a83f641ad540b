import { Skeleton } from "../ui/states.tsx";

/** The editor's outline while the flow is on its way. */
export function EditorSkeleton() {
  return (
    <div role="status" aria-label="Loading" className="absolute inset-0 flex flex-col">
      <div className="flex h-11 items-center gap-3 border-b border-line bg-surface px-3">
        <Skeleton className="h-4 w-56" />
        <Skeleton className="ml-auto h-6 w-40" />
      </div>
      <div className="flex min-h-0 flex-1">
        <div className="w-56 space-y-3 border-r border-line bg-surface p-3 max-md:hidden">
          <Skeleton className="h-6" />
          <Skeleton className="h-4" />
          <Skeleton className="h-4" />
        </div>
        <div className="flex flex-1 items-center justify-center gap-16">
          <Skeleton className="h-20 w-50 rounded-card" />
          <Skeleton className="h-20 w-50 rounded-card max-md:hidden" />
        </div>
        <div className="w-80 border-l border-line bg-surface max-md:hidden" />
      </div>
    </div>
  );
}
