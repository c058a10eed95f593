/**
 * Migrations, applied in order and once each. Every key begins with the tenant; there are no sequences,
 * triggers or foreign keys, so that the same schema can be spread over a distributed PostgreSQL.
 */
export const migrations: readonly { readonly name: string; readonly sql: string }[] = [
  {
    name: '0001-entries',
    sql: `
      create table entry (
        tenant   text   not null,
        id       uuid   not null,
        kind     text   not null,
        deadline bigint,
        settles  uuid,
        body     text   not null,
        leaf     bytea  not null,
        primary key (tenant, id)
      );
      create unique index entry_settles on entry (tenant, settles) where settles is not null;
      create index entry_waiting on entry (tenant, deadline) where deadline is not null;
      create index entry_opening on entry (tenant, id) where kind = 'session.opened';
      create table stream (
        tenant  text   not null,
        stream  text   not null,
        version bigint not null,
        entry   uuid   not null,
        primary key (tenant, stream, version)
      );
      create table payload (
        tenant  text not null,
        entry   uuid not null,
        salt    text not null,
        content text not null,
        primary key (tenant, entry)
      );
      create table meta (
        tenant text not null,
        key    text not null,
        value  text not null,
        primary key (tenant, key)
      );
    `,
  },
];
