"use client";
import { Compass } from "lucide-react";
import { ButtonLink } from "../ui/button.tsx";
import { EmptyState } from "../ui/states.tsx";

/** There is no page at this address. */
export function NotFound() {
  return (
    <EmptyState
      icon={Compass}
      title={<h1>There is nothing at this address</h1>}
      action={<ButtonLink href="/">Go home</ButtonLink>}
    >
      It may have been removed, or the address was cut short.
    </EmptyState>
  );
}
