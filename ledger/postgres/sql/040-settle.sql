-- claim and settled: settle is an operation like any other, whose register is the fresh side.

create function crossfade.is_quiet(ops jsonb, now_ms bigint) returns boolean language sql immutable as $$
  select not exists (select from jsonb_each(ops) o where (o.value ->> 'u')::bigint >= now_ms)
$$;

-- p: {integration, source?, customer?, name?, neverCopied?: {after: {customer, name} or null}, ops: [operation id, ...], lease}.
-- Quiet debts only; as many as ops has ids. One statement opens all of them: a row at a time cost six times as much.
create function crossfade.claim(p jsonb) returns json language plpgsql volatile as $$
declare
  now_ms bigint := crossfade.now_ms();
  state text;
  side text;
  -- An array, because a look into p copies it: done for each row, that took a third of the statement's time.
  ids text[] := array(select jsonb_array_elements_text(p -> 'ops'));
  found crossfade.secret[] := '{}';
  claims json;
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(p ->> 'integration'));
  select i.state into state from crossfade.integration i where i.name = p ->> 'integration';
  if state is null or state not in ('enrolled', 'finalizing', 'abandoning') then return '[]'; end if;
  if p ->> 'name' is not null then
    found := array(
      select crossfade.expire(s, now_ms) from crossfade.secret s
      where s.integration = p ->> 'integration' and s.customer = p ->> 'customer' and s.name = p ->> 'name'
        and s.fresh <> 'both' and (p ->> 'source' is null or s.fresh = p ->> 'source')
        and (s.ops = '{}' or crossfade.is_quiet(s.ops, now_ms))
      for update skip locked);
  elsif p ? 'neverCopied' and p ->> 'source' = 'new' then
    null;
  elsif p ? 'neverCopied' then
    -- Along the primary key, so that what earlier passes settled lies behind: in the index of debts it would lie in the way
    -- until it is vacuumed. Neighbours by name are neighbours in both stores, too.
    found := array(
      select crossfade.expire(s, now_ms) from crossfade.secret s
      where s.integration = p ->> 'integration' and s.fresh = 'legacy' and s.blank and s.quarantine is null
        and (s.customer, s.name) > (coalesce(p #>> '{neverCopied,after,customer}', ''), coalesce(p #>> '{neverCopied,after,name}', ''))
        and s.settle_after <= clock_timestamp()
        and (s.ops = '{}' or crossfade.is_quiet(s.ops, now_ms))
      order by s.customer, s.name
      limit cardinality(ids)
      for update skip locked);
  else
    -- One statement a side: then the index of claimable rows gives them in order, however many the other side has.
    foreach side in array case when p ->> 'source' is null then array['new', 'legacy'] else array[p ->> 'source'] end
    loop
      found := found || array(
        select crossfade.expire(s, now_ms) from crossfade.secret s
        where s.integration = p ->> 'integration' and s.fresh = side and s.fresh <> 'both' and s.quarantine is null
          and s.settle_after <= clock_timestamp() and (s.ops = '{}' or crossfade.is_quiet(s.ops, now_ms))
        order by s.blank, s.settle_after
        limit cardinality(ids) - cardinality(found)
        for update skip locked);
    end loop;
  end if;
  select coalesce(json_agg(json_build_object('op', ids[f.ordinality], 'integration', f.integration,
    'customer', f.customer, 'name', f.name, 'version', f.version, 'source', f.fresh, 'seq', f.seq, 'loose', f.loose,
    'gone', f.gone, 'blank', f.blank, 'current', f.current, 'legacy', f.legacy_version, 'new', f.new_version,
    'quarantine', f.quarantine, 'attempts', f.attempts) order by f.ordinality), '[]') into claims from unnest(found) with ordinality f;
  update crossfade.secret s set
    version = f.version,
    first = f.fresh,
    blank = f.blank and f.fresh <> 'legacy',
    loose = f.loose,
    gone = f.gone,
    before = f.before,
    current = f.current,
    ops = jsonb_build_object(ids[f.ordinality], jsonb_build_object('k', 'settle', 'v', f.version, 'a', true,
      'x', false, 'u', now_ms + (p ->> 'lease')::bigint)),
    changed_at = clock_timestamp()
  from unnest(found) with ordinality f
  where s.integration = f.integration and s.customer = f.customer and s.name = f.name;
  return claims;
end $$;

-- What settled_all leaves over: a settle that somebody overtook, that was refused, or that ended in quarantine.
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
    when 'equal' then null;
    when 'later' then
      r.attempts := r.attempts + 1;
      r.refusal := left(result ->> 'reason', 200);
      r.settle_after := clock_timestamp() + least(30, 0.25 * power(2, least(r.attempts, 10))) * interval '1 second';
    when 'quarantine' then
      if (o ->> 'v')::bigint = r.version then
        r.quarantine := result ->> 'reason';
        r.current := coalesce(result ->> 'current', r.current);
      end if;
  end case;
  perform crossfade.save(r);
  return jsonb_build_object('kind', 'done', 'fresh', r.fresh, 'seq', r.seq, 'known', r.known);
end $$;

-- Nearly all are equal, and nobody began since the claim: one statement writes those, with what become_both says.
create function crossfade.settled_all(p jsonb) returns jsonb language plpgsql volatile as $$
declare
  q jsonb;
  answers jsonb;
begin
  -- All rows at once, in the order in which every other step locks its own.
  perform from jsonb_to_recordset(p) q (integration text, customer text, name text)
    join crossfade.secret s on s.integration = q.integration and s.customer = q.customer and s.name = q.name
    order by s.integration, s.customer, s.name for update of s;
  with equal as (
    update crossfade.secret s set
      ops = s.ops - q.op,
      fresh = 'both',
      seq = s.seq + (s.fresh <> 'both')::int,
      known = false,
      loose = false,
      blank = false,
      deleted = q.result ->> 'fingerprint' = 'absent',
      gone = q.result ->> 'fingerprint' = 'absent',
      current = q.result ->> 'fingerprint',
      legacy_version = coalesce(q.result #>> '{versions,legacy}', s.legacy_version),
      new_version = coalesce(q.result #>> '{versions,new}', s.new_version),
      copied = true,
      quarantine = null,
      attempts = 0,
      settle_after = '-infinity',
      changed_at = clock_timestamp()
    from jsonb_to_recordset(p) q (op text, integration text, customer text, name text, result jsonb)
    where s.integration = q.integration and s.customer = q.customer and s.name = q.name
      and q.result ->> 'kind' = 'equal' and s.ops ? q.op and (s.ops -> q.op ->> 'v')::bigint = s.version
    returning q.op, jsonb_build_object('kind', 'done', 'fresh', s.fresh, 'seq', s.seq, 'known', s.known) as answer
  )
  select coalesce(jsonb_object_agg(e.op, e.answer), '{}') into answers from equal e;
  for q in select e.value from jsonb_array_elements(p) e where not answers ? (e.value ->> 'op')
  loop
    answers := answers || jsonb_build_object(q ->> 'op', crossfade.settled_one(q));
  end loop;
  return answers;
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
