import { Administrators } from '../../aarm/flyball/administrators.mjs';

/** People's answers to what enforcement points submitted, over the administrators' HTTP API. */
export function questionsOf(installation) {
  const desk = new Administrators(installation);
  const holds = new Map();
  const seen = new Set();

  async function all() {
    const { body, ok, why } = await desk.get('/v1/holds');
    if (!ok) throw new Error(`the holds cannot be listed: ${why}`);
    return body;
  }

  /** The question about a request: the newest whose preview has its resource. */
  async function holdOf({ resource }) {
    const known = holds.get(resource.id);
    if (known) return known;
    for (const { id } of (await all()).filter((hold) => !seen.has(hold.id))) {
      seen.add(id);
      const { body } = await desk.get(`/v1/questions/${id}`, 'ann');
      for (const name of body?.preview?.text.match(/(?:report|brief)-[0-9a-f-]{13}/g) ?? []) holds.set(name, id);
    }
    if (holds.has(resource.id)) return holds.get(resource.id);
    throw new Error(`nobody is asked about ${resource.id}`);
  }

  return {
    async answer({ request, requests, item }, person, agrees) {
      const asked = requests === undefined ? [request] : item === undefined ? requests : [requests[item]];
      for (const each of asked) {
        const { ok, why } = await desk.post(`/v1/holds/${await holdOf(each)}/answer`, { agrees, reason: 'conformance' }, person);
        if (!ok) throw new Error(why);
      }
    },
    async cancel(request) {
      await installation.flyball('cancel', await holdOf(request));
    },
  };
}
