// How far the screen can be believed now (live, delayed, stale, offline): the age of the last
// proof that gateway, lab and page are all alive, never the age of the last result. Pure.

/** Seconds. `late` is how late a proof may come before a live face is taken away. */
export const AGES = { live: 45, late: 3, stale: 300, offline: 900, behind: 20 };

/**
 * The state of freshness, the age of its proof in seconds, and what is being waited for.
 *
 * `now` and `heardAt` are seconds of one monotonic clock; `heardAt` is null before the lab was
 * ever heard. `proof` is the newest the lab gave (`gateway_age_s`, `lab_age_s`,
 * `gateway_online`, as of `proofAt`). `behindSince` is since when notices are missing, or null.
 */
export function freshness({ now, heardAt, proof, proofAt, firstAt, behindSince }) {
  if (heardAt === null || proof === null) return { state: "offline", age: null, cause: "lab" };
  const away = now - heardAt;
  const lab = Math.max(away, proof.lab_age_s + now - proofAt);
  const never = proof.gateway_age_s === null;
  const gateway = never ? now - firstAt : proof.gateway_age_s + now - proofAt;
  const missing = behindSince === null ? 0 : now - behindSince;
  const age = Math.max(lab, gateway, missing);
  const cause = causeOf({ lab, gateway, missing, never, online: proof.gateway_online });
  if (away > AGES.offline) return { state: "offline", age: away, cause: "lab" };
  if (age > AGES.stale || missing > AGES.behind) return { state: "stale", age, cause };
  const sure = proof.gateway_online && !never;
  if (age > AGES.live + AGES.late || !sure) return { state: "delayed", age, cause };
  return { state: "live", age, cause: null };
}

function causeOf({ lab, gateway, missing, never, online }) {
  if (missing > AGES.behind) return "behind";
  if (lab > AGES.live && lab >= gateway) return "lab";
  if (never) return "gateway-never";
  return online ? "gateway" : "gateway-offline";
}
