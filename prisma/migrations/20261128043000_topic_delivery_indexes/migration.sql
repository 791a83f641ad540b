-- What is due is looked up per subscriber, so that one with a long backlog is not in the way of others; old events go by their number.
DROP INDEX "topic_delivery_due_idx";
CREATE INDEX "topic_delivery_due_idx" ON "topic_delivery"("subscription_id", "next_at") WHERE "state" = 'pending';
CREATE INDEX "topic_delivery_event_id_idx" ON "topic_delivery"("event_id");
