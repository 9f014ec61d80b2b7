-- Changes of an integration's state. The lock that every begin and claim holds shared is held alone here, so that none
-- of them straddles a change.

-- Which state follows which; the guard of a row is checked in the same statement.
create function crossfade.may_follow(was text, next text) returns boolean language sql immutable as $$
  select (was, next) in (
    ('bare', 'enrolling'), ('enrolling', 'enrolled'), ('enrolling', 'bare'),
    ('enrolled', 'finalizing'), ('finalizing', 'new-only'), ('finalizing', 'enrolled'), ('new-only', 'finalized'),
    ('enrolled', 'abandoning'), ('abandoning', 'legacy-only'), ('abandoning', 'enrolled'), ('legacy-only', 'bare'))
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
          and (s.ops <> '{}' or s.fresh = case next when 'new-only' then 'legacy' else 'new' end);
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
