/** A JSON object, whatever its members are. */
export type Members = Readonly<Record<string, unknown>>;

export const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member that is a text; nothing where there is none, or something else. */
export function textOf(members: Members, name: string): string | undefined {
  const value = Object.hasOwn(members, name) ? members[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** A member that is an object; an empty one where there is none. */
export function membersOf(members: Members, name: string): Members {
  const value = Object.hasOwn(members, name) ? members[name] : undefined;
  return isMembers(value) ? value : {};
}

/** A member that is a list of texts; nothing when it is anything else. */
export function textsOf(members: Members, name: string): readonly string[] | undefined {
  const value: unknown = Object.hasOwn(members, name) ? members[name] : [];
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}
