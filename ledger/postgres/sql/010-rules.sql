-- Small rules that every step of the state machine shares. All are volatile functions over the row they are given.

create function crossfade.now_ms() returns bigint language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- One lock an integration: every step of an operation holds it shared, a change of state holds it alone. An advisory lock
-- rather than a row lock, because a shared row lock writes to the row at every begin.
create function crossfade.state_key(integration text) returns bigint language sql immutable as $$
  select hashtextextended('crossfade.integration:' || integration, 0)
$$;

-- Whether a write is open; a settle is none.
create function crossfade.is_written(ops jsonb) returns boolean language sql immutable as $$
  select exists (select from jsonb_each(ops) o where o.value ->> 'k' <> 'settle')
$$;

-- The last of some writes has ended, and none was applied for certain. If all were refused the row is as it was; `seq` alone keeps
-- growing. If one ended by its lease, nobody knows; where new may hold what is not ours, it stays foreign all the same.
create function crossfade.put_back(r crossfade.secret) returns crossfade.secret language plpgsql immutable as $$
begin
  if r.before is null or crossfade.is_written(r.ops) then return r; end if;
  if not r.before ? 'u' then
    r := crossfade.move_fresh(r, r.before ->> 'f');
    r.version := (r.before ->> 'v')::bigint;
    r.current := r.before ->> 'c';
  elsif (r.before ->> 'n')::boolean then
    r.version := case when (r.before ->> 'v')::bigint = 0 then 0 else r.version end;
  end if;
  r.before := null;
  return r;
end $$;

-- Operations whose lease is over end here; their requests may still arrive at a store without a bound. What the fresh side
-- holds stays known when only settles ended: a settle never changes it.
create function crossfade.expire(r crossfade.secret, now_ms bigint) returns crossfade.secret language plpgsql immutable as $$
declare
  o record;
begin
  if r.ops = '{}' then return r; end if;
  for o in select e.key as op, e.value ->> 'k' as kind from jsonb_each(r.ops) e where (e.value ->> 'u')::bigint < now_ms loop
    r.ops := r.ops - o.op;
    r.loose := true;
    if o.kind <> 'settle' then
      r.before := r.before || '{"u": true}';
      r.gone := r.gone or o.kind = 'delete';
      r.current := null;
    end if;
  end loop;
  return crossfade.put_back(r);
end $$;

-- `fresh` moves: `seq` grows, and no replica knows of it yet.
create function crossfade.move_fresh(r crossfade.secret, fresh text) returns crossfade.secret language plpgsql immutable as $$
begin
  if r.fresh <> fresh then
    r.fresh := fresh;
    r.seq := r.seq + 1;
    r.known := false;
  end if;
  return r;
end $$;

-- Both sides hold the same: nothing about this secret is open or owed any more.
create function crossfade.become_both(r crossfade.secret, fingerprint text) returns crossfade.secret language plpgsql immutable as $$
begin
  r := crossfade.move_fresh(r, 'both');
  r.known := false;
  r.loose := false;
  r.deleted := fingerprint = 'absent';
  r.gone := r.deleted;
  r.current := fingerprint;
  r.copied := true;
  r.quarantine := null;
  r.attempts := 0;
  r.settle_after := '-infinity';
  return r;
end $$;

create function crossfade.save(r crossfade.secret) returns void language sql volatile as $$
  update crossfade.secret s set
    version = r.version, fresh = r.fresh, seq = r.seq, first = r.first, ops = r.ops, before = r.before, known = r.known, blank = r.blank,
    gone = r.gone, deleted = r.deleted, loose = r.loose, current = r.current, legacy_version = r.legacy_version,
    new_version = r.new_version, copied = r.copied, verified_version = r.verified_version, quarantine = r.quarantine,
    attempts = r.attempts, refusal = r.refusal, settle_after = r.settle_after, changed_at = clock_timestamp()
  where s.integration = r.integration and s.customer = r.customer and s.name = r.name
$$;
