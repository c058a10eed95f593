/** An entry's time, which stands first in its canonical text. Read as text: a JSON operator refuses what a string may have in it. */
export const timeOf = (body: string): string => `substring(${body} from '^\\{"at":([0-9]+)')::bigint`;

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
  {
    name: '0002-names-and-log',
    sql: `
      create table person (
        tenant text not null,
        ref    text not null,
        salt   text not null,
        name   text not null,
        primary key (tenant, ref)
      );
      create unique index person_name on person (tenant, name);
      create table unsequenced (
        tenant text   not null,
        at     bigint not null,
        entry  uuid   not null,
        leaf   bytea  not null,
        primary key (tenant, at, entry)
      );
      insert into unsequenced select tenant, ${timeOf('body')}, id, leaf from entry;
      create table log (
        tenant      text   not null primary key,
        origin      text   not null,
        holder      text   not null,
        lease_until bigint not null,
        epoch       bigint not null,
        size        bigint not null,
        root        bytea  not null,
        checkpoint  text   not null
      );
      create table log_leaf (
        tenant text   not null,
        index  bigint not null,
        entry  uuid   not null,
        primary key (tenant, index)
      );
      create unique index log_leaf_entry on log_leaf (tenant, entry);
      create table log_tile (
        tenant text     not null,
        level  smallint not null,
        index  bigint   not null,
        hashes bytea    not null,
        primary key (tenant, level, index)
      );
      create table log_cosignature (
        tenant     text   not null,
        witness    text   not null,
        size       bigint not null,
        checkpoint text   not null,
        lines      text   not null,
        primary key (tenant, witness)
      );
    `,
  },
  {
    name: '0003-open-holds',
    sql: `
      create index entry_hold on entry (tenant, id) where kind = 'hold';
      create index entry_grant on entry (tenant, id) where kind = 'grant.opened';
      create index entry_request on entry (tenant, id) where kind = 'request.opened';
    `,
  },
];
