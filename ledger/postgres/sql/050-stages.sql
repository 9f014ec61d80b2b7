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
create function crossfade.transition(integration text, next text) returns jsonb language plpgsql volatile as $$
declare
  was text;
  blocking bigint;
begin
  perform pg_advisory_xact_lock(crossfade.state_key(integration));
  insert into crossfade.integration (name, state) values (integration, 'bare') on conflict do nothing;
  select i.state into was from crossfade.integration i where i.name = integration for update;
  if was <> next then
    if not crossfade.may_follow(was, next) then return jsonb_build_object('refused', 'order', 'state', was); end if;
    if next in ('new-only', 'legacy-only') then
      select count(*) into blocking from crossfade.secret s
        where s.integration = transition.integration
          and (s.ops <> '{}' or s.fresh = case next when 'new-only' then 'legacy' else 'new' end and not crossfade.stays_behind(s));
      if blocking > 0 then return jsonb_build_object('refused', 'debts', 'state', was, 'count', blocking); end if;
    end if;
    if next in ('bare', 'finalized') then
      delete from crossfade.secret s where s.integration = transition.integration;
      delete from crossfade.checkpoint c where c.integration = transition.integration;
      delete from crossfade.mismatch m where m.integration = transition.integration;
    end if;
    update crossfade.integration i
      set state = next, epoch = i.epoch + 1, changed_at = clock_timestamp(), inventoried = i.inventoried and next not in ('bare', 'enrolling')
      where i.name = integration;
  end if;
  return (select jsonb_build_object('integration', i.name, 'state', i.state, 'epoch', i.epoch, 'inventoried', i.inventoried)
    from crossfade.integration i where i.name = integration);
end $$;

-- transition for finalize and abandon, with what was done and by whom written down in the same commit.
-- note: {actor, reason, kind?}; kind names the event of the last step, which keeps the report.
-- Begins wait while the lock is held and finishes do not, so what is open ends, within patience_ms. Operations whose lease
-- is over are ended then, as the next begin of their secret would.
create function crossfade.leave(integration text, next text, note jsonb, patience_ms integer) returns jsonb language plpgsql volatile as $$
declare
  was text;
  answer jsonb;
  report jsonb;
begin
  perform pg_advisory_xact_lock(crossfade.state_key(integration));
  select i.state into was from crossfade.integration i where i.name = leave.integration;
  if next in ('new-only', 'legacy-only') then
    perform crossfade.drain(integration, patience_ms);
    report := crossfade.completion(integration);
  elsif note ? 'kind' then
    select e.detail into report from crossfade.event e
      where e.integration = leave.integration and e.kind = 'stage' and e.detail ->> 'to' = was order by e.id desc limit 1;
  end if;
  answer := crossfade.transition(integration, next);
  if answer ? 'refused' or was is not distinct from next then return answer; end if;
  insert into crossfade.event (kind, integration, actor, detail)
    select coalesce(note ->> 'kind', 'stage'), leave.integration, note ->> 'actor', coalesce(report, '{}')
      || jsonb_build_object('from', was, 'to', next, 'by', note ->> 'actor', 'reason', note ->> 'reason', 'ended', clock_timestamp());
  return answer;
end $$;

-- Waits, at most so long, until no operation is open whose lease holds; then ends the others.
create function crossfade.drain(integration text, patience_ms integer) returns void language plpgsql volatile as $$
declare
  r crossfade.secret;
  give_up timestamptz := clock_timestamp() + patience_ms * interval '1 millisecond';
begin
  -- Each statement sees what was committed before it, so a finish that came meanwhile is seen. No row is locked here: a
  -- finish would wait for us.
  while exists (select from crossfade.secret s, jsonb_each(s.ops) o
    where s.integration = drain.integration and s.ops <> '{}' and (o.value ->> 'u')::bigint >= crossfade.now_ms())
  loop
    if clock_timestamp() >= give_up then return; end if;
    perform pg_sleep(0.01);
  end loop;
  for r in select * from crossfade.secret s
    where s.integration = drain.integration and s.ops <> '{}' order by s.customer, s.name for update
  loop
    perform crossfade.save(crossfade.expire(r, crossfade.now_ms()));
  end loop;
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

-- Drops rows that nobody asks for any more, so many at a time; returns how many went. Called when every replica has put the
-- pinned side into effect.
create function crossfade.purge(integration text, most integer) returns integer language plpgsql volatile as $$
declare
  dropped integer;
begin
  if not exists (select from crossfade.integration i
    where i.name = purge.integration and i.state in ('new-only', 'legacy-only')) then return 0; end if;
  delete from crossfade.secret s where s.ctid = any (array(
    select d.ctid from crossfade.secret d where d.integration = purge.integration limit most));
  get diagnostics dropped = row_count;
  return dropped;
end $$;

-- An operator's word on what is quarantined. What was found foreign: legacy is right, so settle may put over what new
-- holds, or remove it where legacy has nothing. Everything else stays in quarantine, and behind at the end. Open
-- operations decide for themselves: such rows are left alone.
create function crossfade.accept_quarantine(integration text) returns jsonb language plpgsql volatile as $$
declare
  r crossfade.secret;
  handed integer := 0;
  behind integer := 0;
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(integration));
  for r in select * from crossfade.secret s
    where s.integration = accept_quarantine.integration and s.quarantine is not null and s.ops = '{}'
    order by s.customer, s.name for update
  loop
    if r.quarantine = 'foreign' and r.fresh = 'legacy' then
      -- Version 0 says that nothing was ever written or copied through Crossfade; the operator's word is the first change.
      r.version := greatest(r.version, 1);
      r.gone := r.current is null;
      r.quarantine := null;
      r.attempts := 0;
      r.settle_after := '-infinity';
      perform crossfade.save(r);
      handed := handed + 1;
    else
      update crossfade.secret s set accepted_version = s.version
        where s.integration = r.integration and s.customer = r.customer and s.name = r.name;
      behind := behind + 1;
    end if;
  end loop;
  return jsonb_build_object('handed_over', handed, 'left_behind', behind);
end $$;
