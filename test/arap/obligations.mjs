import { equal, expect, NotApplicable } from './verdicts.mjs';

const registered = ['step-up', 'notification', 'session_termination', 'custom'];
/** Members that each normative type has to have. */
const required = { 'step-up': ['acr_value'], notification: ['to', 'body'], session_termination: ['subject'], custom: [] };
const isText = (value) => typeof value === 'string' && value !== '';

async function supported(world) {
  const { supported_obligations: types } = await world.metadata();
  return types ?? [];
}

/** The answer about a case that is permitted with obligations, told to an enforcement point that honours all of them. */
async function obliged(world) {
  const request = world.case('obliged');
  const answer = await world.evaluate(request, { context: { supported_obligations: await supported(world) } });
  expect(Array.isArray(answer.context?.obligations), `there are no \`context.obligations\`: ${JSON.stringify(answer)}`);
  return { request, answer, obligations: answer.context.obligations };
}

/** What of the AuthZEN Profile for Obligations binds a decision point. */
export const checks = [
  {
    id: 'O1',
    section: 'Discovery: PDP Metadata Extension',
    level: 'MUST',
    what: 'the metadata say which obligations may come: registered types, or `custom`',
    run: async (world) => {
      const { supported_obligations: types } = await world.metadata();
      expect(Array.isArray(types) && types.length > 0, `\`supported_obligations\` is ${JSON.stringify(types)}`);
      const odd = types.filter((type) => ![...registered, ...(world.target.registered_obligations ?? [])].includes(type));
      expect(odd.length === 0, `not registered: ${odd.join(', ')}`);
    },
  },
  {
    id: 'O2',
    section: 'The Obligation Object',
    level: 'MUST',
    what: 'each obligation has an id of its own, a type and properties',
    run: async (world) => {
      const { obligations } = await obliged(world);
      for (const one of obligations) expect(isText(one.id) && isText(one.type) && one.properties !== null && typeof one.properties === 'object' && !Array.isArray(one.properties), JSON.stringify(one));
      equal(new Set(obligations.map(({ id }) => id)).size, obligations.length, 'different ids');
    },
  },
  {
    id: 'O3',
    section: 'Discovery: PDP Metadata Extension',
    level: 'MUST',
    what: 'no obligation comes that the metadata do not name',
    run: async (world) => {
      const [types, { obligations }] = [await supported(world), await obliged(world)];
      const odd = obligations.filter(({ type }) => !types.includes(type));
      expect(odd.length === 0, `not announced: ${odd.map(({ type }) => type).join(', ')}`);
    },
  },
  {
    id: 'O4',
    section: 'Normative Obligation Types',
    level: 'MUST',
    what: 'an obligation of a normative type has that type\'s members',
    run: async (world) => {
      for (const { type, properties } of (await obliged(world)).obligations) for (const member of required[type] ?? []) expect(isText(properties[member]), `\`${type}\` has no \`${member}\``);
    },
  },
  {
    id: 'O5',
    section: 'Negotiation: PEP-Declared Obligation Support',
    level: 'MUST',
    what: 'a type that the decision point never announced changes nothing when it is declared',
    run: async (world) => {
      const [request, types] = [world.case('obliged'), await supported(world)];
      const told = async (context) => {
        const { decision, context: { obligations } = {} } = await world.evaluate(request, { context });
        return { decision, types: (obligations ?? []).map(({ type }) => type) };
      };
      equal(await told({ supported_obligations: [...types, 'no-such-type'] }), await told({ supported_obligations: types }), 'what is told with a type more');
      equal(await told({ supported_obligations: ['no-such-type'] }), await told({ supported_obligations: [] }), 'what is told with that type alone');
    },
  },
  {
    id: 'O6',
    section: 'Negotiation: PEP-Declared Obligation Support',
    level: 'MUST',
    what: 'whoever declares nothing is told no more than what is asked of them: a permission comes with its obligations or not at all',
    run: async (world) => {
      const { decision, context } = await world.evaluate(world.case('obliged'));
      expect(decision === false || Array.isArray(context?.obligations), 'it was permitted without its obligations');
    },
  },
  {
    id: 'O7',
    section: 'Design Overview',
    level: 'MUST',
    what: 'where nothing is asked, there is no member that asks',
    run: async (world) => {
      const { decision, context } = await world.evaluate(world.case('allowed'), { context: { supported_obligations: await supported(world) } });
      if (decision !== true) throw new NotApplicable('the case `allowed` is not permitted');
      expect(context?.obligations === undefined || context.obligations.length > 0, 'there is an empty list of obligations');
    },
  },
];
