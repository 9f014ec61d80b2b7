-- Small rules that every step of the state machine shares. All are volatile functions over the row they are given.

create function crossfade.now_ms() returns bigint language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- One lock an integration: every step of an operation holds it shared, a change of state holds it alone. An advisory lock
-- rather than a row lock, because a shared row lock writes to the row at every begin.
create function crossfade.state_key(integration text) returns bigint language sql immutable as $$
  select hashtextextended('crossfade.integration:' || integration, 0)
$$;

-- Operations whose lease is over end here; their requests may still arrive at a store without a bound. What the fresh side
-- holds stays known when only settles ended: a settle never changes it.
create function crossfade.expire(r crossfade.secret, now_ms bigint) returns crossfade.secret language plpgsql immutable as $$
declare
  rest jsonb;
begin
  if r.ops = '{}' then return r; end if;
  select coalesce(jsonb_object_agg(o.key, o.value), '{}') into rest
    from jsonb_each(r.ops) o where (o.value ->> 'u')::bigint >= now_ms;
  if rest <> r.ops then
    if exists (select from jsonb_each(r.ops - array(select jsonb_object_keys(rest))) o where o.value ->> 'k' <> 'settle') then
      r.current := null;
    end if;
    r.ops := rest;
    r.loose := true;
  end if;
  return r;
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
    version = r.version, fresh = r.fresh, seq = r.seq, first = r.first, ops = r.ops, known = r.known, blank = r.blank,
    gone = r.gone, deleted = r.deleted, loose = r.loose, current = r.current, legacy_version = r.legacy_version,
    new_version = r.new_version, copied = r.copied, verified_version = r.verified_version, quarantine = r.quarantine,
    attempts = r.attempts, settle_after = r.settle_after, changed_at = clock_timestamp()
  where s.integration = r.integration and s.customer = r.customer and s.name = r.name
$$;
