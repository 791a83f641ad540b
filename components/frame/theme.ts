/** Light, dark or as the system says; kept in a cookie so that the server renders the right one at once. */
export type Theme = "light" | "dark" | "system";
export const themeCookie = "plumbline-theme";
export const themes: Theme[] = ["light", "dark", "system"];

/** The theme a cookie's text names; "system" for anything else. */
export function readTheme(text: string | undefined): Theme {
  return themes.find((theme) => theme === text) ?? "system";
}

/** Changes the theme of this page now and of every page from here on. */
export function applyTheme(theme: Theme) {
  document.documentElement.dataset.theme = theme;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser we serve
  document.cookie = `${themeCookie}=${theme}; path=/; max-age=31536000; samesite=lax`;
}
