const minuteMs = 60_000;

/** What leads to what. `record` is the name that the record has for an action, `class` the class of what it reads. */
export const cases = {
  allow: { tool: 'read_board', record: 'board.read', class: 'public' },
  deny: { tool: 'wipe_board', policy: 'no-wiping', reason: 'the board is never wiped' },
  modify: { tool: 'list_entries', args: { limit: 50 }, changed: { limit: 2 }, hidden: 'jo@customer.example' },
  stepUp: { tool: 'pay', args: { payee: 'acme', amount: 250 }, policy: 'payment-limit', reason: 'payments above 100 need somebody from finance', withinMs: 10 * minuteMs },
  stepUpSoon: { tool: 'order', policy: 'orders-at-once', withinMs: 4_000 },
  defer: { tool: 'shut_valve', policy: 'window-needed', reason: 'whether the window is open is not known', lacks: 'window', withinMs: 10 * minuteMs },
  dependent: { tool: 'follow_up', limit: 5 },
  deferSoon: { tool: 'open_valve', policy: 'window-needed-now', reason: 'whether the window is open now is not known', lacks: 'window', withinMs: 4_000 },

  readSensitive: { tool: 'read_patient', record: 'patient.read', class: 'patient' },
  readUnclassified: { tool: 'fetch_page', record: 'anything.else', class: 'patient' },
  afterSensitive: { tool: 'send_out', record: 'message.send', policy: 'nothing-of-patients-leaves' },
  confirm: { tool: 'check_draft', record: 'draft.check' },
  confirmed: { tool: 'publish', record: 'draft.publish', policy: 'checked-before-publishing' },
  once: { tool: 'draw_lot', record: 'lot.draw', policy: 'one-lot' },
  conflict: { tool: 'tell_both' },
  forRequest: { tool: 'clean_room', request: 'clean room 7', otherRequest: 'water the plants' },
  unanswerable: { tool: 'divide', args: { by: 1 }, policy: 'small-numbers' },
  fails: { tool: 'jam', error: 'jammed' },
  breaks: { tool: 'snap', error: 'snapped' },

  parameters: {
    tool: 'book',
    args: { seats: 3, code: 'AB-17', room: 'red', payer: 'ann' },
    wrong: { type: { seats: 'three' }, range: { seats: 11 }, pattern: { code: 'XX-17' }, allowlist: { room: 'cellar' }, blocklist: { payer: 'mallory' } },
  },
};
