-- What the ledger remembers of the configuration, as digests and words: a process that is configured otherwise is refused.

-- ledger/enrolment.ts says what is in it, and ids are those that the stores gave. Null: not enrolled.
alter table crossfade.integration add column enrolled_with jsonb;

create function crossfade.forget_enrolment() returns trigger language plpgsql as $$
begin
  new.enrolled_with := null;
  return new;
end $$;
create trigger integration_bare before update of state on crossfade.integration
  for each row when (new.state = 'bare') execute function crossfade.forget_enrolment();

-- transition to enrolling, with what it is enrolled with. Who comes second finds what the first one wrote.
create function crossfade.enrol(integration text, enrolled_with jsonb) returns jsonb language plpgsql volatile as $$
declare
  answer jsonb := crossfade.transition(integration, 'enrolling');
begin
  if answer ? 'refused' then return answer; end if;
  update crossfade.integration i set enrolled_with = enrol.enrolled_with
    where i.name = enrol.integration and i.enrolled_with is null;
  return answer;
end $$;

-- A key is known by a digest of a constant under it. Replaces the one that is kept only if told to; returns the one that is kept.
create table crossfade.key_check (
  purpose text primary key,
  digest  text not null,
  at      timestamptz not null default clock_timestamp()
);
create function crossfade.claim_key(purpose text, digest text, replaces boolean) returns text language sql volatile as $$
  insert into crossfade.key_check as kept (purpose, digest) values (claim_key.purpose, claim_key.digest)
  on conflict on constraint key_check_pkey do update
    set digest = case when replaces then excluded.digest else kept.digest end, at = clock_timestamp()
  returning kept.digest
$$;

-- What each replica says that it runs: digests of its configuration, and its phases. Apart from its row, which is renewed often.
create table crossfade.replica_runs (
  id   text primary key references crossfade.replica on delete cascade,
  runs jsonb not null
);

-- The rules of the cohorts that ran last: a cap is of a cohort by name, and shall cover whom it covered. One row.
create table crossfade.cohorts (
  one   boolean primary key default true check (one),
  rules jsonb not null
);
