/** By http from another machine a page has no clipboard of its own; a selection can still be copied. */
export async function intoClipboard(text: string): Promise<void> {
  const written =
    window.isSecureContext &&
    (await navigator.clipboard.writeText(text).then(
      () => true,
      () => false, // it was not allowed to
    ));
  if (written) return;
  const pressed = document.activeElement as HTMLElement | null;
  const box = document.createElement("textarea");
  box.value = text;
  (pressed?.parentElement ?? document.body).append(box); // within a dialog, which keeps the focus inside
  box.select();
  document.execCommand("copy");
  box.remove();
  pressed?.focus();
}
