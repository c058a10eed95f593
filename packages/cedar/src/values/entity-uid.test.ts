import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cedar, policyWhen, uid } from '../../../../test/support/cedar-kit.js';
import { CedarError } from '../errors.js';
import { EntityUid } from './entity-uid.js';
import { isIdentifier } from './name.js';
import { quoted } from './quote.js';

const words = ['User', 'in', 'inn', 'if', 'i', 'is', 'like', 'has', 'true', 'True', 'then', 'else', '__cedar', '__cedarx', '_', '__proto__', 'constructor', 'permit', 'principal', 'when', 'é', '1', '', ' ', 'A b', 'A\n'];
const hostile = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('', '"', '\\', '\\"', '::"', 'x"; permit(principal', '\u0000', '\n', '\u2028', '\u202e', '__proto__', '😀', '*', '{', '//'));
const sound = hostile.filter((text) => text.isWellFormed());

test('law: a type is a name if and only if the reference engine takes it', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }), fc.constantFrom('::', ':', '.'), (parts, joint) => {
    const type = parts.join(joint);
    const own = () => new EntityUid(type, 'x');
    const answer = cedar.checkParseEntities({ entities: [{ uid: uid(type, 'x'), attrs: {}, parents: [] }] } as never);
    if (answer.type === 'success') expect(own().type).toBe(type);
    else expect(own, type).toThrow(CedarError);
  }), { numRuns: 1_000 });
});

test('law: a word is an identifier if and only if the reference engine takes it behind a dot', () => {
  for (const word of words) expect(isIdentifier(word), word).toBe(word.trim() === word && cedar.policyToJson(`permit(principal, action, resource) when { context.${word} };`).type === 'success');
});

test('law: two entities have one key if and only if their types and ids are the same', () => {
  const type = fc.constantFrom('A', 'A::B', 'B', '_');
  fc.assert(fc.property(type, hostile, type, hostile, (type1, id1, type2, id2) => {
    expect(new EntityUid(type1, id1).key === new EntityUid(type2, id2).key).toBe(type1 === type2 && id1 === id2);
  }));
});

test('attack: whatever an id contains, the policy that names it names it and nothing else', () => {
  fc.assert(fc.property(sound, (id) => {
    const parsed = cedar.policyToJson(`permit(principal == ${String(new EntityUid('User', id))}, action, resource);`);
    if (parsed.type !== 'success') throw new Error(parsed.errors.map(({ message }) => message).join());
    expect(parsed.json).toMatchObject({ principal: { op: '==', entity: uid('User', id) }, conditions: [] });
  }));
});

test('attack: nothing that hides, or turns the direction of what follows, is printed as it is', () => {
  fc.assert(fc.property(sound, (text) => {
    expect(quoted(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }));
  for (const hidden of ['\u202e', '\u200b', '\ufeff', '\u2028', '\u00ad', '\u{e0041}', '\u0000']) expect(quoted(`a${hidden}b`)).toMatch(/^"a\\u\{[0-9a-f]+\}b"$/);
});

test('attack: whatever a text contains, it is read back as the same text', () => {
  fc.assert(fc.property(sound, (text) => {
    const parsed = cedar.policyToJson(`permit(principal, action, resource) when { ${quoted(text)} };`);
    if (parsed.type !== 'success') throw new Error(parsed.errors.map(({ message }) => message).join());
    expect(parsed.json.conditions).toEqual(policyWhen({ Value: text })['conditions']);
  }));
});

test('attack: a megabyte that is no type is refused in a short message', () => {
  for (const type of ['x'.repeat(1 << 20) + ' ', 'a::'.repeat(1 << 18), ':'.repeat(1 << 20)]) {
    try {
      new EntityUid(type, 'x');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CedarError);
      if (error instanceof CedarError) expect(error.message.length).toBeLessThan(300);
    }
  }
});
