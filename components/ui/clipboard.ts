/** By http from another machine a page has no clipboard of its own; a selection can still be copied. */
export async function intoClipboard(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const pressed = document.activeElement as HTMLElement | null;
  const box = document.createElement("textarea");
  box.value = text;
  (pressed?.parentElement ?? document.body).append(box); // within a dialog, which keeps the focus inside
  box.select();
  document.execCommand("copy");
  box.remove();
  pressed?.focus();
}
