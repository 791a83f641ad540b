"use client";
import { toast } from "../ui/toast.tsx";
import { readFailure } from "./failure.ts";

/**
 * Options for a mutation whose failure is said in a toast.
 * @param what what could not be done: “Run 118 could not be cancelled”
 */
export function sayFailure(what: string) {
  return {
    onError: (error: unknown) => toast({ kind: "failed", title: what, description: readFailure(error).message }),
  };
}
