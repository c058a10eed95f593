/** True when two values are the same JSON: the order of members does not count, and one that is undefined is not there. */
export function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) return Array.isArray(left) && Array.isArray(right) && left.length === right.length && left.every((item, index) => isSame(item, right[index]));
  return isSameRecord(left as Members, right as Members);
}

type Members = Readonly<Record<string, unknown>>;

function isSameRecord(left: Members, right: Members): boolean {
  let members = 0;
  for (const name in left) {
    if (left[name] === undefined) continue;
    if (!Object.hasOwn(right, name) || !isSame(left[name], right[name])) return false;
    members++;
  }
  for (const name in right) if (right[name] !== undefined) members--;
  return members === 0;
}

/** Members that are not the same in both. */
export function namesOfDifferent(left: Members, right: Members): readonly string[] {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].filter((name) => !isSame(left[name], right[name])).sort();
}
