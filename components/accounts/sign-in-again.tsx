"use client";
import { AlertDialog } from "@base-ui/react/alert-dialog";
import { CircleAlert } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { signIn } from "../server/auth.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { modalBackdrop, modalPopup } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";

/**
 * Stands over a page whose person is no longer signed in. The page stays as it is below, with all that was not saved yet.
 * @param onSignedIn the same person is signed in again
 */
export function SignInAgain({ email, onSignedIn }: { email: string; onSignedIn: () => Promise<void> }) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const entry = useRef<HTMLFormElement>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (password === "") return setProblem("Enter your password.");
    setBusy(true);
    const refused = await signIn(email, password);
    setProblem(refused);
    if (!refused) await onSignedIn();
    setBusy(false);
  };
  return (
    <AlertDialog.Root open>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={modalBackdrop} />
        <AlertDialog.Popup
          data-modal
          initialFocus={() => entry.current?.querySelector<HTMLElement>("[type=password]")}
          className={`${modalPopup} sm:w-[420px]`}
        >
          <div className="thin-scroll min-h-0 flex-1 overflow-y-auto p-4">
            <AlertDialog.Title className="text-heading font-semibold text-ink">You are signed out</AlertDialog.Title>
            <AlertDialog.Description className="mt-1 mb-4 text-work text-muted">
              Your session ended, or your password was changed elsewhere. What is on this screen is kept; sign in to go
              on with it.
            </AlertDialog.Description>
            <form ref={entry} id="sign-in-again" onSubmit={submit} noValidate className="flex flex-col gap-4">
              {problem && (
                <Notice tone="bad" icon={CircleAlert}>
                  {problem}
                </Notice>
              )}
              <Field label="E-mail">
                <Input type="email" name="email" autoComplete="username" value={email} onChange={() => {}} readOnly />
              </Field>
              <Field label="Password">
                <Input
                  type="password"
                  name="password"
                  autoComplete="current-password"
                  value={password}
                  onChange={setPassword}
                />
              </Field>
            </form>
          </div>
          <div className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">
            <ButtonLink large href="/sign-in">
              Leave this page
            </ButtonLink>
            <Button type="submit" form="sign-in-again" look="primary" busy={busy}>
              Sign in
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
