-- The ledger: one row per secret, no values. SPEC.md section 3 is the law; ledger/ledger.ts the port.
-- Names sort by bytes (collate "C"), so that keyset pages agree with every store's.

create table crossfade.integration (
  name        text collate "C" primary key,
  state       text not null check (state in
    ('bare', 'enrolling', 'enrolled', 'finalizing', 'new-only', 'finalized', 'abandoning', 'legacy-only')),
  epoch       bigint not null default 1,
  inventoried boolean not null default false,
  -- So many secrets of legacy that no address leads to an operator accepted to leave behind.
  unaddressed_accepted integer not null default 0,
  changed_at  timestamptz not null default clock_timestamp()
);

create table crossfade.secret (
  integration      text collate "C" not null,
  customer         text collate "C" not null,
  name             text collate "C" not null,
  version          bigint not null default 0,
  fresh            text not null check (fresh in ('both', 'legacy', 'new')),
  seq              bigint not null default 0,
  first            text not null check (first in ('legacy', 'new')),
  -- {operation id: {k: kind, v: version, a: alone, x: exclusive, d: fingerprint, u: lease end in ms, r: the answer given}}
  ops              jsonb not null default '{}',
  -- {v: version, f: fresh, c: current, n: new may hold what is not ours} of before the writes that are open began,
  -- and u: one of them ended by its lease. Null once one of them was applied.
  before           jsonb,
  known            boolean not null default false,
  blank            boolean not null,
  gone             boolean not null,
  deleted          boolean not null default false,
  loose            boolean not null default false,
  current          text,
  legacy_version   text,
  new_version      text,
  copied           boolean not null default false,
  verified_version bigint,
  quarantine       text,
  -- An operator accepted at this version that the secret stays behind in quarantine; any later change voids it.
  accepted_version bigint,
  attempts         integer not null default 0,
  -- Why the last of them failed, for people.
  refusal          text,
  settle_after     timestamptz not null default '-infinity',
  changed_at       timestamptz not null default clock_timestamp(),
  primary key (integration, customer, name)
) with (fillfactor = 70); -- room for heap-only updates: every write updates its row twice

-- Claims: debts of live traffic before never-copied ones.
create index secret_owing on crossfade.secret (integration, fresh, blank, settle_after) where fresh <> 'both' and quarantine is null;
-- Debts that do not settle: few, and named by status.
create index secret_stuck on crossfade.secret (integration) where attempts >= 3 and fresh <> 'both' and quarantine is null;
-- What a starting replica loads.
create index secret_debts on crossfade.secret (integration, customer, name) where fresh <> 'both' and not blank;

-- Where a resumed inventory or verify goes on (I8: written with the rows it speaks of).
create table crossfade.checkpoint (
  integration text collate "C" not null,
  stage       text not null,
  -- json, not jsonb: a store's position may hold what jsonb refuses, and nobody looks into it here.
  position    json not null,
  at          timestamptz not null default clock_timestamp(),
  primary key (integration, stage)
);

create table crossfade.replica (
  id          text primary key,
  name        text not null,
  until       timestamptz not null,
  -- A writer that got no answer from it: the lease can no longer be renewed, so the wait for its end is bounded.
  revoked     boolean not null default false,
  joined_at   timestamptz not null default clock_timestamp(),
  -- The greatest epoch of each integration that this replica has put into effect.
  applied     jsonb not null default '{}'
);

create table crossfade.mismatch (
  id                 bigint generated always as identity primary key,
  at                 timestamptz not null default clock_timestamp(),
  integration        text collate "C" not null,
  customer           text collate "C" not null,
  name               text collate "C" not null,
  source             text not null check (source in ('shadow', 'verify')),
  class              text not null,
  legacy_fingerprint text,
  new_fingerprint    text,
  legacy_version     text,
  new_version        text,
  resolved_at        timestamptz
);
create unique index mismatch_open on crossfade.mismatch (integration, customer, name) where resolved_at is null;

-- One cap of each kind for one scope; `*` is every integration, an empty cohort every cohort.
create table crossfade.cap (
  kind        text not null check (kind in ('gate', 'guard', 'rollback')),
  integration text collate "C" not null,
  cohort      text not null default '',
  cap         jsonb not null,
  at          timestamptz not null default clock_timestamp(),
  primary key (kind, integration, cohort)
);

-- The last accepted flag definitions of each integration: what "the last known phase" is evaluated from.
create table crossfade.flag_memory (
  integration text collate "C" primary key,
  record      jsonb not null,
  at          timestamptz not null default clock_timestamp()
);

create table crossfade.event (
  id          bigint generated always as identity primary key,
  at          timestamptz not null default clock_timestamp(),
  kind        text not null,
  integration text collate "C",
  actor       text not null,
  detail      jsonb not null
);
create index event_recent on crossfade.event (integration, id);
