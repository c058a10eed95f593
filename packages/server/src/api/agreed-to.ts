import { type Entry, isObject, type JsonObject } from '@flyball/protocol';
import { type AgreedTerms, termsInWords } from '../approval/index.js';

interface Sources {
  find(id: string): Promise<Entry | undefined>;
  nameOf(ref: string): Promise<string>;
}

/** Who agreed to an attempt, or what was agreed to beforehand: one line each, from its entry. */
export async function agreedTo(body: JsonObject, { find, nameOf }: Sources): Promise<readonly string[]> {
  const approvals = Array.isArray(body['approvals']) ? (body['approvals'] as readonly unknown[]) : [];
  const people = approvals.map(async (id) => {
    const entry = typeof id === 'string' ? await find(id) : undefined;
    if (entry?.kind !== 'approval') return [];
    const { person, authority, seen, signature, ...terms } = entry.body as AgreedTerms & { readonly person: string; readonly authority?: string; readonly seen?: string; readonly signature?: unknown };
    const lent = authority === undefined || authority === person ? '' : ` for ${await nameOf(authority)}`;
    return [`${await nameOf(person)}${lent}, ${new Date(entry.at).toISOString()}${signature === undefined ? '' : ', signed'}${seen === undefined ? '' : `, having seen ${seen}`}${termsInWords(terms).map((term) => `, ${term}`).join('')}`];
  });
  const means = Array.isArray(body['means']) ? body['means'].flatMap((each) => (isObject(each) ? [`${each['kind'] === 'standing' ? 'standing approval' : 'emergency'} ${String(each['id'])}`] : [])) : [];
  return [...(await Promise.all(people)).flat(), ...means];
}
