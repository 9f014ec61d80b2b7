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

-- What is kept about an integration beside its secrets goes over to another name: caps, its pace, and what happened; a finalized
-- one's state, too. Only where no row binds a secret to the name. keeps: the old name is still served, and keeps its own.
create function crossfade.rename_integration(was text, next text, keeps boolean, note jsonb) returns jsonb language plpgsql volatile as $$
declare
  old crossfade.integration;
  new crossfade.integration;
  moved bigint;
begin
  -- Always in one order, so that two of these never wait for each other.
  perform pg_advisory_xact_lock(k) from (select crossfade.state_key(n) as k from unnest(array[was, next]) n order by 1) locks;
  select i.* into old from crossfade.integration i where i.name = was for update;
  select i.* into new from crossfade.integration i where i.name = next for update;
  if coalesce(old.state, 'bare') not in ('bare', 'finalized') then
    return jsonb_build_object('refused', 'held', 'state', old.state);
  end if;
  if coalesce(new.state, 'bare') <> 'bare' or exists (select from crossfade.secret s where s.integration = next) then
    return jsonb_build_object('refused', 'taken', 'state', coalesce(new.state, 'bare'));
  end if;
  insert into crossfade.cap as held (kind, integration, cohort, cap, at)
    select c.kind, next, c.cohort, c.cap || jsonb_build_object('integration', next), c.at from crossfade.cap c where c.integration = was
    on conflict (kind, integration, cohort) do update set cap = excluded.cap
      where crossfade.phase_rank(excluded.cap) < crossfade.phase_rank(held.cap);
  get diagnostics moved = row_count;
  insert into crossfade.pace (integration, setting) select next, p.setting from crossfade.pace p where p.integration = was
    on conflict do nothing;
  if old.state = 'finalized' then
    insert into crossfade.integration as i (name, state, inventoried, enrolled_with) values (next, 'finalized', old.inventoried, old.enrolled_with)
      on conflict (name) do update set state = 'finalized', epoch = i.epoch + 1, inventoried = excluded.inventoried,
        enrolled_with = excluded.enrolled_with, changed_at = clock_timestamp();
  end if;
  if not keeps then
    delete from crossfade.cap c where c.integration = was;
    delete from crossfade.pace p where p.integration = was;
    delete from crossfade.integration i where i.name = was;
    update crossfade.event e set integration = next where e.integration = was;
    update crossfade.progress_sample p set integration = next where p.integration = was
      and not exists (select from crossfade.progress_sample q where q.integration = next and q.at = p.at);
    update crossfade.run r set integration = next where r.integration = was and r.ended_at is not null;
  end if;
  insert into crossfade.event (kind, integration, actor, detail)
    values ('renamed', next, note ->> 'actor', jsonb_build_object('from', was, 'to', next, 'reason', note ->> 'reason'));
  return jsonb_build_object('caps', moved, 'state', coalesce(old.state, 'bare'));
end $$;
