import type { Draft, Ledger, Names } from '../ledger/index.js';

/** What rooms need of the record: streams are read as the store has them now. */
export const recordOf = ({ ledger, names }: { readonly ledger: Ledger; readonly names: Names }) => ({
  append: (draft: Draft) => ledger.append(draft),
  find: (id: string) => ledger.store.find(id),
  findSettling: (id: string) => ledger.store.findSettling(id),
  content: async (id: string) => (await ledger.store.payload(id))?.content,
  read: <S>(stream: string) => ledger.readNow<S>(stream),
  refOf: (person: string) => names.refOf(person),
  nameOf: (ref: string) => names.nameOf(ref),
});
