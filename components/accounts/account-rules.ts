/** What a form asks of an account before it is sent; the server checks again. Each returns what to do, or null. */

export const shortestPassword = 10;

export function emailProblem(email: string): string | null {
  if (email.trim() === "") return "Enter your e-mail address.";
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email.trim()) ? null : "An address looks like ana@example.com.";
}

export function passwordProblem(password: string): string | null {
  if (password.length >= shortestPassword) return null;
  return password === ""
    ? `Choose a password of at least ${shortestPassword} characters.`
    : `${shortestPassword - password.length} more, for at least ${shortestPassword} characters.`;
}

export function nameProblem(name: string): string | null {
  return name.trim() === "" ? "Enter the name others will see." : null;
}
