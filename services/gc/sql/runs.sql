-- The audit, newest first: all acts older than :before (null: from the start), or only the one with :run_id.
SELECT run.run_id, run.action, run.actor, run.at, run.plan_id, plan.plan_hash, plan.position, plan.policy, run.objects,
       run.bytes, run_end.at AS finished_at, coalesce(run_end.done, 0) AS done, coalesce(run_end.skipped, 0) AS skipped,
       coalesce(run_end.freed, 0) AS bytes_freed
FROM run LEFT JOIN plan USING (plan_id) LEFT JOIN run_end USING (run_id)
WHERE run.tenant = :tenant AND (CAST(:before AS text) IS NULL OR run.run_id < :before)
  AND (CAST(:run_id AS text) IS NULL OR run.run_id = :run_id)
ORDER BY run.run_id DESC LIMIT :limit
