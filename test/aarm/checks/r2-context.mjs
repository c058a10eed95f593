import { equal, expect, includes } from '../world.mjs';

export const checks = [
  {
    id: 'R2.1',
    level: 'MUST',
    from: 'row',
    what: 'the decision on the fourth action of a sequence was made with all actions and data classes before it',
    run: async (world) => {
      const caller = await world.caller();
      const names = ['allow', 'confirm', 'readSensitive'];
      for (const name of names) world.passed(await world.act(caller, name));
      const { context } = await (await world.act(caller, 'confirmed')).record();
      for (const name of names) includes(context.actions, world.case(name).record, 'prior actions');
      for (const name of ['allow', 'readSensitive']) includes(context.classes, world.case(name).class, 'data classes');
    },
  },
  {
    id: 'R2.2',
    level: 'SHOULD',
    from: 'row',
    what: 'a prior entry of the context that is changed afterwards is noticed',
    run: async (world) => {
      const caller = await world.caller();
      const first = await world.act(caller, 'readSensitive');
      world.passed(first);
      world.stopped(await world.act(caller, 'afterSensitive'), 'DENY');
      const receipt = await world.receipt(first);
      const untouched = await world.verify(receipt);
      expect(untouched.valid, `the untouched entry does not verify: ${untouched.why}`);
      for (const what of ['requester', 'parameters', 'time']) expect(!(await world.verify(await world.target.receipts.tampered(receipt, what))).valid, `a changed ${what} is not noticed`);
    },
  },
  {
    id: 'R2.3',
    level: 'MUST',
    from: 'bullet',
    what: 'actions that were executed are known: what a session may do once it may not do twice, and another may',
    run: async (world) => {
      const caller = await world.caller();
      world.passed(await world.act(caller, 'once'));
      const second = await world.act(caller, 'once');
      world.stopped(second, 'DENY');
      includes((await second.record()).context.actions, world.case('once').record, 'prior actions');
      world.passed(await world.act(await world.caller(), 'once'));
    },
  },
  {
    id: 'R2.4',
    level: 'MUST',
    from: 'bullet',
    what: 'the class of data that was read is in the context, and not before it was read',
    run: async (world) => {
      const caller = await world.caller();
      const { class: sensitive } = world.case('readSensitive');
      const before = await (await world.act(caller, 'allow')).record();
      expect(!before.context.classes.includes(sensitive), `\`${sensitive}\` is in the context already`);
      world.passed(await world.act(caller, 'readSensitive'));
      includes((await (await world.act(caller, 'allow')).record()).context.classes, sensitive, 'data classes');
    },
  },
  {
    id: 'R2.5',
    level: 'MUST',
    from: 'bullet',
    what: 'data that nothing classifies counts as of the highest class',
    run: async (world) => {
      const caller = await world.caller();
      world.passed(await world.act(caller, 'readUnclassified'));
      const after = await world.act(caller, 'afterSensitive');
      world.stopped(after, 'DENY');
      includes((await after.record()).context.classes, world.case('readUnclassified').class, 'data classes');
    },
  },
  {
    id: 'R2.6',
    level: 'MUST',
    from: 'bullet',
    what: 'the user\'s request is kept, and decides',
    run: async (world) => {
      world.needs('forRequest');
      const { request, otherRequest } = world.case('forRequest');
      const fits = await world.act(await world.target.forRequest(await world.caller(), request), 'forRequest');
      world.passed(fits);
      equal((await fits.record()).context.request, request, 'the request in the record');
      world.stopped(await world.act(await world.target.forRequest(await world.caller(), otherRequest), 'forRequest'), 'DENY');
    },
  },
  {
    id: 'R2.7',
    level: 'MUST',
    from: 'bullet',
    what: 'policies see the context: the same call of the same caller is decided otherwise after another action',
    run: async (world) => {
      const caller = await world.caller();
      world.passed(await world.act(caller, 'afterSensitive'));
      world.passed(await world.act(caller, 'readSensitive'));
      world.stopped(await world.act(caller, 'afterSensitive'), 'DENY');
    },
  },
  {
    id: 'R2.8',
    level: 'SHOULD',
    from: 'bullet',
    what: 'the context is a log that only grows: later entries of a session have later places in it',
    run: async (world) => {
      const caller = await world.caller();
      const places = [];
      for (const name of ['allow', 'confirm', 'confirmed']) {
        const receipt = await world.receipt(await world.act(caller, name));
        const verified = await world.verify(receipt);
        expect(verified.valid, `the receipt of \`${name}\` does not verify: ${verified.why}`);
        places.push(Math.max(...(await world.target.receipts.positions(receipt))));
      }
      expect(places.every((place, index) => index === 0 || place > places[index - 1]), `places in the log: ${places}`);
    },
  },
  {
    id: 'R2.9',
    level: 'SHOULD',
    from: 'bullet',
    what: 'each entry of the context names the hash of the one before it',
    run: async (world) => {
      const caller = await world.caller();
      const links = [];
      for (const name of ['allow', 'confirm']) links.push(...(await world.target.receipts.links(await world.receipt(await world.act(caller, name)))));
      links.sort((left, right) => left.version - right.version);
      expect(links.length >= 2, 'there is nothing to compare');
      const pairs = links.slice(1).map((link, index) => [links[index], link]).filter(([before, after]) => after.version === before.version + 1);
      expect(pairs.length > 0, 'no two entries stand next to each other');
      for (const [before, after] of pairs) equal(after.previous, before.hash, `the hash of the entry before ${after.version}`);
    },
  },
];
