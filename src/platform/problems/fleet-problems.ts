import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a wish about the fleet. */
export const fleetProblems = {
  aircraft_not_found: {
    status: 404,
    title: 'There is no such aircraft',
    advice: 'GET /api/fleet lists the aircraft of your tenant.',
  },
  aircraft_exists: {
    status: 409,
    title: 'The registration is in the fleet already',
    advice: 'Change the aircraft that has it, or remove it first.',
  },
  fleet_full: {
    status: 409,
    title: 'The fleet is full',
    advice: 'Remove what is not offered any more; so many aircraft at once are the limit.',
  },
  booking_not_found: {
    status: 404,
    title: 'There is no such booking',
    advice: 'GET /api/fleet/{id}/bookings lists those of an aircraft.',
  },
  booking_overlaps: {
    status: 409,
    title: 'The aircraft is taken at that time',
    advice: 'Release the other booking, or take another time or aircraft.',
  },
  bookings_full: {
    status: 409,
    title: 'The aircraft has as many bookings as it can have',
    advice: 'Release bookings that have ended.',
  },
} satisfies Record<string, CatalogueEntry>;
