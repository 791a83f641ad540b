"use client";
import { ErrorState } from "../components/ui/states.tsx";

/** A page broke while it was drawn. What was stored is safe; drawing it again is the first thing to try. */
export default function PageError({
  error,
  retry,
  reset,
}: {
  error: Error & { digest?: string };
  retry?: () => void;
  reset?: () => void;
}) {
  const why = error.digest ? `The log knows it as ${error.digest}.` : error.message;
  return (
    <ErrorState
      title="This page could not be drawn"
      why={why}
      remedy="Nothing you saved is lost."
      onRetry={retry ?? reset}
    />
  );
}
