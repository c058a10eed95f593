import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Entities } from '../entities.js';
import { askedOf } from '../decisions/authorize.js';
import { emptyRecord } from '../values/value.js';
import { EntityUid } from '../values/entity-uid.js';
import { type Constraint, holds, type Scope } from './scope.js';
import { ScopeIndex } from './scope-index.js';

const types = ['A', 'B'];
const ids = ['a', 'b', 'c', 'd'];
const uids = types.flatMap((type) => ids.map((id) => new EntityUid(type, id)));
const uid = fc.constantFrom(...uids);
const constraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.constant<Constraint>({ op: 'any' }),
  uid.map((one): Constraint => ({ op: 'equal', uid: one })),
  fc.array(uid, { maxLength: 4 }).map((groups): Constraint => ({ op: 'in', uids: groups })),
  fc.constantFrom(...types).map((type): Constraint => ({ op: 'is', type })),
  fc.tuple(fc.constantFrom(...types), uid).map(([type, group]): Constraint => ({ op: 'is-in', type, uid: group })),
);
const scope: fc.Arbitrary<Scope> = fc.record({ principal: constraint, action: constraint, resource: constraint });
/** Each entity below some of those before it, so that there is no cycle. */
const hierarchy = fc.array(fc.array(fc.nat(uids.length - 1), { maxLength: 3 }), { minLength: uids.length, maxLength: uids.length }).map((parents) => Entities.fromJson(uids.map(({ type, id }, index) => ({ uid: { type, id }, attrs: {}, parents: (parents[index] ?? []).filter((parent) => parent < index).map((parent) => ({ type: uids[parent]?.type ?? '', id: uids[parent]?.id ?? '' })) })).filter((_, index) => index % 5 !== 4)));

test('law: the index finds what trying every scope finds, each once for every way that it is named', () => {
  const seen = { found: 0, left: 0 };
  fc.assert(fc.property(fc.array(scope, { maxLength: 12 }), hierarchy, uid, uid, uid, (scopes, entities, principal, action, resource) => {
    const index = new ScopeIndex<number>();
    scopes.forEach((one, item) => index.add(one, item));
    const asked = askedOf({ principal, action, resource, context: emptyRecord, entities });
    const found = new Set<number>();
    index.visit(asked, (item) => found.add(item));
    const tried = scopes.flatMap((one, item) => ((['principal', 'action', 'resource'] as const).every((part) => holds(one[part], asked[part].uid, asked[part].ancestors)) ? [item] : []));
    expect([...found].sort((left, right) => left - right)).toEqual(tried);
    seen.found += tried.length;
    seen.left += scopes.length - tried.length;
  }), { numRuns: 3_000 });
  expect(Math.min(seen.found, seen.left)).toBeGreaterThan(500);
});

test('law: what names one entity or one group at each place is visited once', () => {
  const single = constraint.filter((one) => one.op !== 'in' || one.uids.length < 2);
  fc.assert(fc.property(fc.array(fc.record({ principal: single, action: single, resource: single }), { maxLength: 8 }), hierarchy, uid, uid, uid, (scopes, entities, principal, action, resource) => {
    const index = new ScopeIndex<number>();
    scopes.forEach((one, item) => index.add(one, item));
    const found: number[] = [];
    index.visit(askedOf({ principal, action, resource, context: emptyRecord, entities }), (item) => found.push(item));
    expect(found).toHaveLength(new Set(found).size);
  }));
});
