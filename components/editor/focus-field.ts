/** Puts the caret where a problem is: the field by its name, else the first one marked as wrong. */
export function focusField(field: string | undefined) {
  const named = field === undefined ? null : window.document.querySelector(`[data-field="${CSS.escape(field)}"]`);
  const control = "input, textarea, button, [contenteditable=true]";
  const wrong = window.document.querySelector<HTMLElement>(
    "[aria-label=Inspector] [data-invalid]:is(input, textarea, button), [aria-label=Inspector] [aria-invalid=true]",
  );
  (named?.querySelector<HTMLElement>(control) ?? wrong)?.focus();
}
