import { equal, expect, NotApplicable } from '../verdicts.mjs';
import { isHttps } from '../world.mjs';

const section = 'Catalog References';
const disclosure = `${section}; Catalog Disclosure`;

async function catalogs(world) {
  const found = await world.denial(world.target.cases?.catalogued ? 'catalogued' : 'requestable');
  const { request_catalogs_url: url } = found.hint;
  if (url === undefined) throw new NotApplicable('the product has no catalogues');
  const { status, json } = await world.http(url);
  expect(status === 200 && json?.fields && typeof json.fields === 'object', `the Catalogs Document was answered with ${status}`);
  return { ...found, fields: json.fields };
}

async function first(world) {
  const found = await catalogs(world);
  const [pointer, reference] = Object.entries(found.fields).find(([, { scope_params: scope }]) => scope === undefined) ?? [];
  if (pointer === undefined) throw new NotApplicable('every catalogue depends on another field');
  return { ...found, pointer, reference };
}

const at = (value, pointer) => pointer.split('/').slice(1).reduce((inner, name) => inner?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], value);

function put(body, pointer, value) {
  const copy = structuredClone(body);
  const names = pointer.split('/').slice(1).map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = names.pop();
  names.reduce((inner, name) => (inner[name] ??= {}), copy)[last] = value;
  return copy;
}

/** All values of a catalogue, page by page. */
async function valuesOf(world, reference, parameters = {}) {
  const query = new URLSearchParams(parameters);
  const seen = [];
  for (let page = 0; page < 100; page++) {
    const { status, json } = await world.http(`${reference.endpoint}?${query}`);
    expect(status === 200 && Array.isArray(json?.items), `it was answered with ${status}`);
    for (const item of json.items) expect(at(item, reference.value_path ?? '/value') !== undefined, `an item has no value: ${JSON.stringify(item)}`);
    seen.push(...json.items.map((item) => at(item, reference.value_path ?? '/value')));
    if (json.next_cursor === undefined) return seen;
    query.set('cursor', json.next_cursor);
  }
  return seen;
}

const taken = ({ status, text }) => expect([201, 202].includes(status), `a value of the catalogue was answered with ${status}: ${text.slice(0, 200)}`);

export const checks = [
  {
    id: 'K1',
    section,
    level: 'MUST',
    what: 'a catalogues document has fields: JSON Pointers with an endpoint each, with https',
    run: async (world) => {
      const { fields } = await catalogs(world);
      for (const [pointer, { endpoint }] of Object.entries(fields)) expect(pointer.startsWith('/') && isHttps(endpoint), `${pointer}: ${endpoint}`);
    },
  },
  {
    id: 'K2',
    section,
    level: 'MUST',
    what: 'a catalogue is shown to authenticated callers only',
    run: async (world) => {
      const { reference } = await first(world);
      for (const options of [{ who: null }, { token: 'nonsense' }]) {
        const { status, json } = await world.http(reference.endpoint, options);
        expect(status === 401 && json?.items === undefined, `it was answered with ${status}`);
      }
    },
  },
  {
    id: 'K3',
    section,
    level: 'MUST',
    what: 'a catalogue takes search, cursor, limit and what it does not know, and gives items with values',
    run: async (world) => {
      const { reference } = await first(world);
      const seen = await valuesOf(world, reference, { [reference.search_param ?? 'q']: '', limit: '1', 'vendor.example.com/unknown': 'x' });
      expect(seen.length > 0, 'it has no items');
      equal(new Set(seen).size, seen.length, 'different items on the pages');
    },
  },
  {
    id: 'K4',
    section: disclosure,
    level: 'MUST NOT',
    what: 'a catalogue shows nobody what they may not ask for',
    run: async (world) => {
      const { reference } = await first(world);
      const hidden = world.target.hidden_catalog_value;
      if (hidden === undefined) throw new NotApplicable('the description names no item that is hidden from this caller');
      for (const parameters of [{}, { [reference.search_param ?? 'q']: hidden }]) expect(!(await valuesOf(world, reference, parameters)).includes(hidden), 'the hidden item is shown');
    },
  },
  {
    id: 'K5',
    section: 'Access Request Service Catalog Validation',
    level: 'MUST',
    what: 'a value that is in no catalogue is not taken, and one that is, is',
    run: async (world) => {
      const { pointer, reference, ...found } = await first(world);
      const body = world.body(found);
      for (const value of ['no such value', ...(world.target.hidden_catalog_value ? [world.target.hidden_catalog_value] : [])]) world.rejected(await world.submit(put(body, pointer, value)), `the value ${value}`);
      const [value] = await valuesOf(world, reference);
      taken(await world.submit(put(body, pointer, value)));
    },
  },
  {
    id: 'K6',
    section: disclosure,
    level: 'MUST',
    what: 'a catalogue is shown to nobody who may not see it, whoever they are',
    run: async (world) => {
      const { reference } = await first(world);
      world.token('outsider');
      const { status, json } = await world.http(reference.endpoint, { who: 'outsider' });
      expect([403, 404].includes(status) && json?.items === undefined, `it was answered with ${status}`);
    },
  },
  {
    id: 'K7',
    section: 'Access Request Service Catalog Validation',
    level: 'MUST',
    what: 'a value that was shown and cannot be asked for any more is not taken',
    run: async (world) => {
      world.needs('retire');
      const { pointer, reference, ...found } = await first(world);
      const [value] = await valuesOf(world, reference);
      const restore = await world.target.retire({ value });
      try {
        world.rejected(await world.submit(put(world.body(found), pointer, value)), `the value ${value}`);
        expect(!(await valuesOf(world, reference)).includes(value), 'it is shown still');
      } finally {
        await (typeof restore === 'function' ? restore() : world.target.loosen?.({ value }));
      }
    },
  },
  {
    id: 'K8',
    section: `${section}; Access Request Service Processing Rules`,
    level: 'MUST',
    what: 'a catalogue shows, and a submission takes, what belongs to this subject, resource and action, and nothing of another denial',
    run: async (world) => {
      const other = world.target.other_catalog_value;
      if (other === undefined) throw new NotApplicable('the description names no item that belongs to another denial alone');
      const { pointer, reference, ...found } = await first(world);
      expect(!(await valuesOf(world, reference)).includes(other), 'another denial\'s item is shown');
      world.rejected(await world.submit(put(world.body(found), pointer, other)), `the value ${other}`);
    },
  },
];
