import { Matches } from 'class-validator';

export const SEND_WEB_PUSH = 'send-web-push';

/** Payload of `send-web-push`: names only. What is said and where it goes is read when it is sent. */
export class WebPushPayload {
  @Matches(/^notification_[\w-]{22}$/, { message: 'notificationId must be the id of a notification' })
  notificationId!: string;

  @Matches(/^push_[\w-]{22}$/, { message: 'subscriptionId must be the id of a push subscription' })
  subscriptionId!: string;
}
