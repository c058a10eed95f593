import { equal, expect, NotApplicable } from '../verdicts.mjs';
import { isHttps } from '../world.mjs';

const section = 'Catalog References';

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
  const names = pointer.split('/').slice(1);
  const last = names.pop();
  names.reduce((inner, name) => (inner[name] ??= {}), copy)[last] = value;
  return copy;
}

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
      const query = new URLSearchParams({ [reference.search_param ?? 'q']: '', limit: '1', 'vendor.example.com/unknown': 'x' });
      const seen = [];
      for (let page = 0, cursor; page < 100; page++) {
        if (cursor !== undefined) query.set('cursor', cursor);
        const { status, json } = await world.http(`${reference.endpoint}?${query}`);
        expect(status === 200 && Array.isArray(json?.items), `it was answered with ${status}`);
        for (const item of json.items) expect(at(item, reference.value_path ?? '/value') !== undefined, `an item has no value: ${JSON.stringify(item)}`);
        seen.push(...json.items.map((item) => at(item, reference.value_path ?? '/value')));
        cursor = json.next_cursor;
        if (cursor === undefined) break;
      }
      expect(seen.length > 0, 'it has no items');
      equal(new Set(seen).size, seen.length, 'different items on the pages');
    },
  },
  {
    id: 'K4',
    section: `${section}; Catalog Disclosure`,
    level: 'MUST NOT',
    what: 'a catalogue shows nobody what they may not ask for',
    run: async (world) => {
      const { reference } = await first(world);
      const hidden = world.target.hidden_catalog_value;
      if (hidden === undefined) throw new NotApplicable('the description names no item that is hidden from this caller');
      const { text } = await world.http(reference.endpoint);
      expect(!text.includes(hidden), 'the hidden item is shown');
    },
  },
  {
    id: 'K5',
    section: 'Access Request Service Catalog Validation',
    level: 'MUST',
    what: 'a value that is in no catalogue is not taken',
    run: async (world) => {
      const { pointer, ...found } = await first(world);
      const body = world.body(found);
      for (const value of ['no such value', ...(world.target.hidden_catalog_value ? [world.target.hidden_catalog_value] : [])]) world.rejected(await world.submit(put(body, pointer, value)), `the value ${value}`);
    },
  },
];
