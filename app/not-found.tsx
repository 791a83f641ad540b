import { Compass } from "lucide-react";
import { ButtonLink } from "../components/ui/button.tsx";
import { EmptyState } from "../components/ui/states.tsx";

export const metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <main>
      <EmptyState
        icon={Compass}
        title="There is nothing at this address"
        action={<ButtonLink href="/">Go home</ButtonLink>}
      >
        It may have been removed, or the address was cut short.
      </EmptyState>
    </main>
  );
}
