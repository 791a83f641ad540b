"use client";
import { Monitor, Moon, Sun, SunMoon } from "lucide-react";
import { IconButton } from "../ui/button.tsx";
import { Menu, MenuItem } from "../ui/menu.tsx";
import { applyTheme, type Theme } from "./theme.ts";

export const themeChoices: { theme: Theme; label: string; icon: typeof Sun }[] = [
  { theme: "light", label: "Light", icon: Sun },
  { theme: "dark", label: "Dark", icon: Moon },
  { theme: "system", label: "As the system", icon: Monitor },
];

export function ThemeMenu() {
  return (
    <Menu trigger={<IconButton label="Light or dark" icon={SunMoon} />}>
      {themeChoices.map(({ theme, label, icon }) => (
        <MenuItem key={theme} icon={icon} onSelect={() => applyTheme(theme)}>
          {label}
        </MenuItem>
      ))}
    </Menu>
  );
}
