/** What people are called, and who is somewhere together. */
import type { PresentUser } from '../net/protocol';

export function nameOf(person: { first_name: string; last_name: string }): string {
  return `${person.first_name} ${person.last_name}`.trim() || 'Unnamed';
}

/** Everybody but `me`, each once however many windows they have. */
export function othersOf<T extends PresentUser>(users: readonly T[], me: string): T[] {
  const seen = new Set([me]);
  return users.filter((user) => !seen.has(user.account_id) && seen.add(user.account_id));
}
