import { Problem } from './requests.mjs';

/** Every actor that a submission claims has to be in the caller's credential. */
export function claimedChain(state, actor, caller) {
  if (actor === undefined || state.is('actors are proved')) return;
  const claimed = [];
  for (let link = actor; link !== undefined; link = link.act) claimed.push(link.id ?? link.sub);
  const proved = state.is('actors: the whole chain') ? claimed.slice(0, 1) : claimed;
  if (!proved.every((one) => caller.actors.includes(one))) throw new Problem('forbidden', 'the credential does not prove this actor');
}
