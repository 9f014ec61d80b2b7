-- Changes of an integration's state. The lock that every begin and claim holds shared is held alone here, so that none
-- of them straddles a change.

-- Which state follows which; the guard of a row is checked in the same statement.
create function crossfade.may_follow(was text, next text) returns boolean language sql immutable as $$
  select (was, next) in (
    ('bare', 'enrolling'), ('enrolling', 'enrolled'), ('enrolling', 'bare'),
    ('enrolled', 'finalizing'), ('finalizing', 'new-only'), ('finalizing', 'enrolled'), ('new-only', 'finalized'),
    ('enrolled', 'abandoning'), ('abandoning', 'legacy-only'), ('abandoning', 'enrolled'), ('legacy-only', 'bare'))
$$;

-- A secret that cannot be moved, and of which an operator said that it need not be. Void as soon as it changes.
create function crossfade.stays_behind(s crossfade.secret) returns boolean language sql immutable as $$
  select s.quarantine is not null and s.accepted_version is not distinct from s.version
$$;

-- Returns the integration's row after the change, or {refused: why, state}. Asking for the state it is in changes nothing.
-- open: how many secrets have an open operation, from a caller who has the lock and looked; null: it is counted here.
create function crossfade.transition(integration text, next text, open bigint default null) returns jsonb language plpgsql volatile as $$
declare
  was text;
  leaves text := case next when 'new-only' then 'legacy' when 'legacy-only' then 'new' end;
  blocking bigint;
begin
  perform pg_advisory_xact_lock(crossfade.state_key(integration));
  insert into crossfade.integration (name, state) values (integration, 'bare') on conflict do nothing;
  select i.state into was from crossfade.integration i where i.name = integration for update;
  if was <> next then
    if not crossfade.may_follow(was, next) then return jsonb_build_object('refused', 'order', 'state', was); end if;
    if leaves is not null then
      -- Two indexes know what is owed, so that nobody waits for a look at every row; `<> 'both'` and `quarantine` name them.
      select coalesce(open, (select count(*) from crossfade.secret s where s.integration = transition.integration and s.ops <> '{}'))
        + (select count(*) from crossfade.secret s where s.integration = transition.integration
            and s.fresh = leaves and s.fresh <> 'both' and s.quarantine is null and s.ops = '{}')
        + (select count(*) from crossfade.secret s where s.integration = transition.integration
            and s.fresh = leaves and s.quarantine is not null and s.ops = '{}' and not crossfade.stays_behind(s))
        into blocking;
      if blocking > 0 then return jsonb_build_object('refused', 'debts', 'state', was, 'count', blocking); end if;
    end if;
    if next in ('bare', 'finalized') then
      delete from crossfade.checkpoint c where c.integration = transition.integration;
      delete from crossfade.mismatch m where m.integration = transition.integration;
    end if;
    -- None, unless a way out was given up before it had dropped what nobody asks for any more.
    if next = 'enrolling' then delete from crossfade.secret s where s.integration = transition.integration; end if;
    update crossfade.integration i
      set state = next, epoch = i.epoch + 1, changed_at = clock_timestamp(), inventoried = i.inventoried and next not in ('bare', 'enrolling')
      where i.name = integration;
  end if;
  return (select jsonb_build_object('integration', i.name, 'state', i.state, 'epoch', i.epoch, 'inventoried', i.inventoried)
    from crossfade.integration i where i.name = integration);
end $$;

-- transition for finalize and abandon, with what was done and by whom written down in the same commit. note: {actor, reason}.
-- Begins wait while the lock is held and finishes do not, so what is open ends, within patience_ms. Operations whose lease
-- is over are ended then, as the next begin of their secret would.
create function crossfade.leave(integration text, next text, note jsonb, patience_ms integer) returns jsonb language plpgsql volatile as $$
declare
  was text;
  open bigint;
  answer jsonb;
begin
  perform pg_advisory_xact_lock(crossfade.state_key(integration));
  select i.state into was from crossfade.integration i where i.name = leave.integration;
  if next in ('new-only', 'legacy-only') then open := crossfade.drain(integration, patience_ms); end if;
  answer := crossfade.transition(integration, next, open);
  if answer ? 'refused' or was is not distinct from next then return answer; end if;
  insert into crossfade.event (kind, integration, actor, detail)
    values ('stage', leave.integration, note ->> 'actor', jsonb_build_object('from', was, 'to', next, 'by', note ->> 'actor', 'reason', note ->> 'reason'));
  return answer;
end $$;

-- Waits, at most so long, until no operation is open whose lease holds; then ends the others. Returns how many secrets have
-- an open one still. Who calls it has the lock, so that none begins: one look at every row finds all there are.
create function crossfade.drain(integration text, patience_ms integer) returns bigint language plpgsql volatile as $$
declare
  customers text[];
  names text[];
  r crossfade.secret;
  open bigint;
  give_up timestamptz := clock_timestamp() + patience_ms * interval '1 millisecond';
begin
  select array_agg(s.customer), array_agg(s.name) into customers, names
    from crossfade.secret s where s.integration = drain.integration and s.ops <> '{}';
  loop
    -- Each statement sees what was committed before it, so a finish that came meanwhile is seen. No row is locked here: a
    -- finish would wait for us.
    select count(distinct (s.customer, s.name)) into open
      from unnest(customers, names) k (customer, name)
      join crossfade.secret s on s.integration = drain.integration and s.customer = k.customer and s.name = k.name,
      jsonb_each(s.ops) o where (o.value ->> 'u')::bigint >= crossfade.now_ms();
    exit when open = 0;
    if clock_timestamp() >= give_up then return open; end if;
    perform pg_sleep(0.01);
  end loop;
  for r in select s.* from unnest(customers, names) k (customer, name)
    join crossfade.secret s on s.integration = drain.integration and s.customer = k.customer and s.name = k.name
    where s.ops <> '{}' order by s.customer, s.name for update of s
  loop
    perform crossfade.save(crossfade.expire(r, crossfade.now_ms()));
  end loop;
  return 0;
end $$;

-- `gone` alone is not enough: it stays when a secret is put again, until both sides hold it.
create function crossfade.is_tombstone(s crossfade.secret) returns boolean language sql immutable as $$
  select coalesce(s.current = 'absent', s.gone)
$$;

-- What the rows say when nothing can change them any more; kept in events when they go.
create function crossfade.completion(integration text) returns jsonb language sql volatile as $$
  select jsonb_build_object(
    'secrets', count(*) filter (where not crossfade.is_tombstone(s)),
    'verified', count(*) filter (where not crossfade.is_tombstone(s) and s.verified_version = s.version),
    'tombstones', count(*) filter (where crossfade.is_tombstone(s)),
    'owing', count(*) filter (where s.fresh <> 'both' and not crossfade.stays_behind(s)),
    'left_behind', count(*) filter (where crossfade.stays_behind(s)),
    'started', (select min(e.at) from crossfade.event e where e.integration = completion.integration and e.kind = 'run-started'
      and e.id > coalesce((select max(b.id) from crossfade.event b where b.integration = completion.integration and b.kind = 'abandoned'), 0)))
  from crossfade.secret s where s.integration = completion.integration
$$;

-- The end of a way out: an event of this kind with the report, once for each time that the state was entered. Clients do
-- not wait for it: they go by the ledger no more, and nothing changes the rows.
create function crossfade.complete(integration text, kind text, note jsonb) returns void language plpgsql volatile as $$
declare
  entered jsonb;
begin
  perform pg_advisory_xact_lock(crossfade.state_key(integration));
  select jsonb_build_object('from', e.detail -> 'from', 'to', i.state, 'ended', i.changed_at) into entered
    from crossfade.integration i join lateral (
      select s.id, s.detail from crossfade.event s where s.integration = i.name and s.kind = 'stage' order by s.id desc limit 1) e on true
    where i.name = complete.integration and e.detail ->> 'to' = i.state
      and i.state = case complete.kind when 'finalized' then 'finalized' when 'abandoned' then 'bare' end
      and not exists (select from crossfade.event d where d.integration = i.name and d.kind = complete.kind and d.id > e.id);
  if entered is null then return; end if;
  insert into crossfade.event (kind, integration, actor, detail)
    values (complete.kind, complete.integration, note ->> 'actor',
      crossfade.completion(integration) || entered || jsonb_build_object('by', note ->> 'actor', 'reason', note ->> 'reason'));
end $$;

-- Drops rows that nobody asks for any more, so many at a time; returns how many went. No begin waits for that.
create function crossfade.purge(integration text, most integer) returns integer language plpgsql volatile as $$
declare
  dropped integer;
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(integration));
  if not exists (select from crossfade.integration i
    where i.name = purge.integration and i.state in ('bare', 'finalized')) then return 0; end if;
  delete from crossfade.secret s where s.ctid = any (array(
    select d.ctid from crossfade.secret d where d.integration = purge.integration limit most));
  get diagnostics dropped = row_count;
  return dropped;
end $$;

-- An operator's word on what is quarantined. What was found foreign: legacy is right, so settle may put over what new
-- holds, or remove it where legacy has nothing. Everything else stays in quarantine, and behind at the end. Open
-- operations decide for themselves, until their leases end: such rows are left alone.
create function crossfade.accept_quarantine(integration text) returns jsonb language plpgsql volatile as $$
declare
  r crossfade.secret;
  handed integer := 0;
  behind integer := 0;
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(integration));
  for r in select * from crossfade.secret s
    where s.integration = accept_quarantine.integration and s.quarantine is not null
      and crossfade.is_quiet(s.ops, crossfade.now_ms())
    order by s.customer, s.name for update
  loop
    r := crossfade.expire(r, crossfade.now_ms());
    if r.quarantine = 'foreign' and r.fresh = 'legacy' then
      -- Version 0 says that nothing was ever written or copied through Crossfade; the operator's word is the first change.
      r.version := greatest(r.version, 1);
      r.gone := coalesce(r.current = 'absent', true);
      r.quarantine := null;
      r.attempts := 0;
      r.settle_after := '-infinity';
      perform crossfade.save(r);
      handed := handed + 1;
    else
      if r.loose then perform crossfade.save(r); end if;
      update crossfade.secret s set accepted_version = r.version
        where s.integration = r.integration and s.customer = r.customer and s.name = r.name;
      behind := behind + 1;
    end if;
  end loop;
  return jsonb_build_object('handed_over', handed, 'left_behind', behind);
end $$;
