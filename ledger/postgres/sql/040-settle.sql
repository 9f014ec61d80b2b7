-- claim and settled: settle is an operation like any other, whose register is the fresh side.

-- p: {integration, source?, customer?, name?, ops: [operation id, ...], lease}. Quiet debts only; as many as ops has ids.
create function crossfade.claim(p jsonb) returns jsonb language plpgsql volatile as $$
declare
  r crossfade.secret;
  now_ms bigint := crossfade.now_ms();
  state text;
  op text;
  n integer := 0;
  side text;
  found crossfade.secret[] := '{}';
  claims jsonb := '[]';
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(p ->> 'integration'));
  select i.state into state from crossfade.integration i where i.name = p ->> 'integration';
  if state is null or state not in ('enrolled', 'finalizing', 'abandoning') then return claims; end if;
  if p ->> 'name' is not null then
    found := array(
      select s from crossfade.secret s
      where s.integration = p ->> 'integration' and s.customer = p ->> 'customer' and s.name = p ->> 'name'
        and s.fresh <> 'both' and (p ->> 'source' is null or s.fresh = p ->> 'source')
        and (s.ops = '{}' or not exists (select from jsonb_each(s.ops) o where (o.value ->> 'u')::bigint >= now_ms))
      for update skip locked);
  else
    -- One statement a side: then the index of claimable rows gives them in order, however many the other side has.
    foreach side in array case when p ->> 'source' is null then array['new', 'legacy'] else array[p ->> 'source'] end
    loop
      found := found || array(
        select s from crossfade.secret s
        where s.integration = p ->> 'integration' and s.fresh = side and s.fresh <> 'both' and s.quarantine is null
          and s.settle_after <= clock_timestamp()
          and (s.ops = '{}' or not exists (select from jsonb_each(s.ops) o where (o.value ->> 'u')::bigint >= now_ms))
        order by s.blank, s.settle_after
        limit jsonb_array_length(p -> 'ops') - cardinality(found)
        for update skip locked);
    end loop;
  end if;
  foreach r in array found
  loop
    op := p -> 'ops' ->> n;
    n := n + 1;
    r := crossfade.expire(r, now_ms);
    claims := claims || jsonb_build_object('op', op, 'integration', r.integration, 'customer', r.customer, 'name', r.name,
      'version', r.version, 'source', r.fresh, 'seq', r.seq, 'loose', r.loose, 'gone', r.gone, 'blank', r.blank,
      'current', r.current, 'legacy', r.legacy_version, 'new', r.new_version, 'attempts', r.attempts);
    r.first := r.fresh;
    if r.fresh = 'legacy' then r.blank := false; end if;
    r.ops := jsonb_build_object(op, jsonb_build_object('k', 'settle', 'v', r.version, 'a', true, 'b', false, 'x', false,
      'u', now_ms + (p ->> 'lease')::bigint));
    perform crossfade.save(r);
  end loop;
  return claims;
end $$;

create function crossfade.settled_one(q jsonb) returns jsonb language plpgsql volatile as $$
declare
  r crossfade.secret;
  op text := q ->> 'op';
  result jsonb := q -> 'result';
  o jsonb;
begin
  select * into r from crossfade.secret s
    where s.integration = q ->> 'integration' and s.customer = q ->> 'customer' and s.name = q ->> 'name' for update;
  if not found or not r.ops ? op then return '{"kind": "void"}'; end if;
  o := r.ops -> op;
  r.ops := r.ops - op;
  case result ->> 'kind'
    when 'equal' then
      if (o ->> 'v')::bigint = r.version then
        r := crossfade.become_both(r, result ->> 'fingerprint');
        r.blank := false;
        r.legacy_version := coalesce(result -> 'versions' ->> 'legacy', r.legacy_version);
        r.new_version := coalesce(result -> 'versions' ->> 'new', r.new_version);
      end if;
    when 'later' then
      r.attempts := r.attempts + 1;
      r.settle_after := clock_timestamp() + least(60, 0.25 * power(2, least(r.attempts, 10))) * interval '1 second';
    when 'quarantine' then
      if (o ->> 'v')::bigint = r.version then
        r.quarantine := result ->> 'reason';
        r.current := coalesce(result ->> 'current', r.current);
      end if;
  end case;
  perform crossfade.save(r);
  return jsonb_build_object('kind', 'done', 'fresh', r.fresh, 'seq', r.seq, 'known', r.known);
end $$;

create function crossfade.settled_all(p jsonb) returns jsonb language plpgsql volatile as $$
declare
  q jsonb;
  ops text[] := '{}';
  answers jsonb[] := '{}';
begin
  for q in select e.value from jsonb_array_elements(p) with ordinality e (value, n)
    order by e.value ->> 'integration' collate "C", e.value ->> 'customer' collate "C", e.value ->> 'name' collate "C", e.n
  loop
    ops := ops || (q ->> 'op');
    answers := answers || array[crossfade.settled_one(q)];
  end loop;
  return crossfade.by_op(ops, answers);
end $$;

-- repair: a side that lost or changed what both held owes it again. p: {integration, customer, name, version, seq, fresh}.
-- False: the row has changed since it was judged. Nobody needs to know of the debt first: no write was acknowledged with it.
create function crossfade.reopen(p jsonb) returns boolean language plpgsql volatile as $$
declare
  r crossfade.secret;
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(p ->> 'integration'));
  select * into r from crossfade.secret s
    where s.integration = p ->> 'integration' and s.customer = p ->> 'customer' and s.name = p ->> 'name'
      and s.version = (p ->> 'version')::bigint and s.seq = (p ->> 'seq')::bigint and s.fresh = 'both' and s.ops = '{}'
    for update;
  if not found then return false; end if;
  r := crossfade.move_fresh(r, p ->> 'fresh');
  -- The other side may hold anything: never again is it taken for one that nothing was put to.
  r.blank := false;
  perform crossfade.save(r);
  return true;
end $$;
