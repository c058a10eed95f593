const passed = ({ checks }) => checks.filter((check) => check.status === 'SUCCESS');

/** `N passed of M`, counting as the suites do: successes and failures. */
export const summary = (run) => `${passed(run).length} passed of ${run.checks.filter((check) => check.status === 'SUCCESS' || check.status === 'FAILURE').length}`;

/** Checks that pass directly and do not pass as often through the gateway, by scenario and id. */
export function compare(direct, through) {
  const count = (run) => {
    const counts = new Map();
    for (const { scenario, id } of passed(run)) counts.set(`${scenario}::${id}`, (counts.get(`${scenario}::${id}`) ?? 0) + 1);
    return counts;
  };
  const reached = count(through);
  const reason = (key) => through.checks.find(({ scenario, id, status }) => `${scenario}::${id}` === key && status !== 'SUCCESS');
  const lost = [...count(direct)].filter(([key, times]) => (reached.get(key) ?? 0) < times).map(([key, times]) => `${key} ${reached.get(key) ?? 0} of ${times}${reason(key)?.errorMessage ? `: ${reason(key).errorMessage.slice(0, 200)}` : ''}`);
  const thrown = through.thrown.filter((scenario) => !direct.thrown.includes(scenario)).map((scenario) => `${scenario}: the scenario could not be run`);
  return [...lost, ...thrown];
}
